"""The Model Context Protocol, as values: lines in, answers and calls out."""
