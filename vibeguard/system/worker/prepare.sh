# Makes the folder of one attempt: the tree of the run, proved, in a repository at its HEAD.
# STORE, ORIGIN, COMMIT, TREE, PACK (may be empty) and FOLDER are in the environment.
# What it prints on failure is what the run is told.
set -eu
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 LC_ALL=C
has() { git --git-dir="$STORE" cat-file -e "$1" 2>/dev/null; }
if ! has "$COMMIT^{commit}"; then
    git --git-dir="$STORE" fetch -q --no-tags "$ORIGIN" "$COMMIT" 2>/dev/null ||
        git --git-dir="$STORE" fetch -q "$ORIGIN" '+refs/heads/*:refs/heads/*' 2>/dev/null || true
    has "$COMMIT^{commit}" || { echo "its repository $ORIGIN lacks the commit $COMMIT"; exit 41; }
fi
if [ -n "$PACK" ] && ! has "$TREE^{tree}"; then
    git --git-dir="$STORE" index-pack --stdin --fix-thin <"$PACK" >/dev/null 2>&1 ||
        { echo "the files of the run do not fit to the commit $COMMIT here"; exit 42; }
fi
has "$TREE^{tree}" || { echo "the files of the run did not arrive whole"; exit 43; }
rm -rf "$FOLDER"
mkdir "$FOLDER"
cd "$FOLDER"
unset GIT_DIR GIT_WORK_TREE
git init -q --template= .
printf '%s\n' "$STORE/objects" >.git/objects/info/alternates
printf '%s\n' "$COMMIT" >.git/HEAD
git config core.autocrlf false
git config gc.auto 0
git read-tree "$TREE"
git checkout-index -a -q
proved=$(git add -A && git write-tree)
[ "$proved" = "$TREE" ] || { echo "the files became another tree here: $proved"; exit 44; }
if [ "$(git rev-parse 'HEAD^{tree}')" != "$TREE" ]; then
    git read-tree HEAD
    git update-index -q --refresh || true
fi
