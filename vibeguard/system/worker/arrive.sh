# Brings what a run's files are made of to the store; prints the tree of the run's commit.
# STORE, OBJECTS (where those go that its commit lacks), ORIGIN, COMMIT, TREE and PACK (may be empty) are
# in the environment.
# What it prints on failure is what the run is told.
set -eu
# What git tidies up now and then ends before this does: what is left behind is killed.
fetch() { git --git-dir="$STORE" -c gc.autoDetach=false -c maintenance.autoDetach=false fetch -q "$@" 2>&1; }
has() { GIT_OBJECT_DIRECTORY="$OBJECTS" git --git-dir="$STORE" cat-file -e "$1" 2>/dev/null; }
if ! has "$COMMIT^{commit}"; then
    said=$(fetch --no-tags "$ORIGIN" "$COMMIT") ||
        said=$(fetch "$ORIGIN" '+refs/heads/*:refs/heads/*') || true
    why=$(printf '%s\n' "$said" | sed -n 's/^fatal: /: /p' | head -n 1)
    has "$COMMIT^{commit}" || { echo "its repository $ORIGIN lacks the commit $COMMIT$why"; exit 41; }
fi
if [ -n "$PACK" ]; then
    # It is gone with the worker, so nothing waits for the disk.
    GIT_OBJECT_DIRECTORY="$OBJECTS" git --git-dir="$STORE" -c core.fsync=none index-pack --stdin --fix-thin \
        <"$PACK" >/dev/null 2>&1 || { echo "the files of the run do not fit to the commit $COMMIT here"; exit 42; }
fi
has "$TREE^{tree}" || { echo "the files of the run did not arrive whole"; exit 43; }
git --git-dir="$STORE" rev-parse --verify "$COMMIT^{tree}"
