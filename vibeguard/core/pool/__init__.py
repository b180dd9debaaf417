"""The protocol of a pool of workers: messages, and one pure machine for each end."""
