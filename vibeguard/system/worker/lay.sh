# Lays a tree into a folder that is a repository, and proves it: every file is read again.
# FOLDER, TREE, LAID (the tree that lies there, unchanged; empty in a new folder) and HEAD_TREE are in
# the environment. The index is the tree's; that of the commit, if it is another, lies beside it.
# What it prints on failure is what the run is told.
set -eu
cd "$FOLDER"
if [ "$LAID" != "$TREE" ]; then
    git read-tree --reset -u "$TREE"
    git read-tree "$TREE" # with nothing known of the files
    changed=$(git update-index --refresh) ||
        { echo "the files became others here: $changed"; exit 45; }
fi
if [ "$HEAD_TREE" != "$TREE" ]; then
    git read-tree --index-output=.git/index-of-commit -m HEAD
fi
