"""State -> what people and programs are told: sentences, paragraphs, one document."""
