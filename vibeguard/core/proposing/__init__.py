"""What a project's own files say about how it is checked -> a config that is proposed."""
