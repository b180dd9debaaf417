#!/bin/sh
# One file that holds the shop and what it is made of: dist/shop.pyz.
set -eu
rm -rf dist
mkdir -p dist/tree
cp packages/*/*.py services/*/*.py dist/tree/
printf 'import runpy\n\nrunpy.run_module("shop", run_name="__main__")\n' >dist/tree/__main__.py
python3 -m zipapp dist/tree -o dist/shop.pyz
rm -r dist/tree
