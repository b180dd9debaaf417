"""The broker of a pool: a connection to Redis or Valkey, and what a run and a worker ask of it."""
