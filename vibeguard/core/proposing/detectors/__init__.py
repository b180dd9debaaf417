"""One module for each kind of files that tell how a project is checked."""
