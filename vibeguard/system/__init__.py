"""The world: files, processes, clocks."""
