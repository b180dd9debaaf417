# Brings what a run's files are made of into the store; prints the tree of the run's commit.
# STORE, SENT (the objects that came from runs), ORIGIN, COMMIT, TREE and PACK (may be empty) are in the
# environment.
# What it prints on failure is what the run is told.
set -eu
has() { GIT_OBJECT_DIRECTORY="$SENT" git --git-dir="$STORE" cat-file -e "$1" 2>/dev/null; }
if ! has "$COMMIT^{commit}"; then
    said=$(git --git-dir="$STORE" fetch -q --no-tags "$ORIGIN" "$COMMIT" 2>&1) ||
        said=$(git --git-dir="$STORE" fetch -q "$ORIGIN" '+refs/heads/*:refs/heads/*' 2>&1) || true
    why=$(printf '%s\n' "$said" | sed -n 's/^fatal: /: /p' | head -n 1)
    has "$COMMIT^{commit}" || { echo "its repository $ORIGIN lacks the commit $COMMIT$why"; exit 41; }
fi
if [ -n "$PACK" ] && ! has "$TREE^{tree}"; then
    GIT_OBJECT_DIRECTORY="$SENT" git --git-dir="$STORE" index-pack --stdin --fix-thin <"$PACK" >/dev/null 2>&1 ||
        { echo "the files of the run do not fit to the commit $COMMIT here"; exit 42; }
fi
has "$TREE^{tree}" || { echo "the files of the run did not arrive whole"; exit 43; }
git --git-dir="$STORE" rev-parse --verify "$COMMIT^{tree}"
