"""The bytes of the log: lock, writer, reader, follower."""
