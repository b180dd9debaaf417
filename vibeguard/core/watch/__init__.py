"""What `vibeguard watch` does next: trees, ends of runs and keys in, moves out."""
