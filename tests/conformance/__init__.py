"""What users rely on, as tables that need no Python to read or extend; see README.md."""
