"""`watch`: the tree is looked at by one process, each run has another, and one loop joins them."""
