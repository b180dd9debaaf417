"""What is on the disk, proven: manifests of files, tools, and the records of passes."""
