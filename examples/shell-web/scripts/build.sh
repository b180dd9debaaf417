#!/bin/sh
# Render every page of src/ into dist/.
set -eu
cd "$(dirname "$0")/.."

mkdir -p dist
for page in src/*.md; do
    name=$(basename "$page" .md)
    node scripts/render.mjs <"$page" >"dist/$name.html"
done
