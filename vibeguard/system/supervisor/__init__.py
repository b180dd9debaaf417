"""Runs a plan under Trio."""
