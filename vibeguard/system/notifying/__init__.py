"""Telling others how a run ended, in a process that nobody waits for."""
