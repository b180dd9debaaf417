"""Spawning, watching and ending process trees."""
