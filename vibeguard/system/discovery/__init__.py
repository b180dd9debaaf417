"""What is found out about the world before a command does anything: files, machine, repository."""
