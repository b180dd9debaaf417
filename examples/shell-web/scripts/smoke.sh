#!/bin/sh
# The built site holds what it must, and nothing that was not rendered.
set -eu
cd "$(dirname "$0")/.."

grep -q '<h1>Small pages</h1>' dist/index.html
if grep -n '^#' dist/*.html; then
    echo "smoke: a heading was not rendered" >&2
    exit 1
fi
