"""State -> text, one file a format."""
