"""What a check's result depends on -> a key; a key and a record -> whether to run."""
