"""The small process that starts, guards and follows a supervisor."""
