"""What is kept of all runs of a state folder: listing and pruning. Reads logs, changes none."""
