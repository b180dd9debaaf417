"""What would be committed, as a work tree that checks can run in (DESIGN section 11, Staged)."""
