"""YAML text -> Config, or every problem in it."""
