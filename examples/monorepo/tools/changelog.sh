#!/bin/sh
# The newest entry of the changelog is about the version in VERSION.
set -eu
version=$(cat VERSION)
if [ "$(grep -m 1 '^## ' CHANGELOG.md)" != "## $version" ]; then
    echo "changelog: no entry for $version on top" >&2
    exit 1
fi
