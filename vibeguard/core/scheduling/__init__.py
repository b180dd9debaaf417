"""State of the queues -> next moves."""
