"""How an attempt is run."""
