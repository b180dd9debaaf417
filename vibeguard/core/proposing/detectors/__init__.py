"""One module for each kind of file that tells how a project is checked."""
