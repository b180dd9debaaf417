"""VibeGuard runs a repository's quality checks as a dependency graph; the log is the truth."""
