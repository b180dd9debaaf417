#!/bin/sh
# Every package and service has tests.
set -eu
for home in packages/* services/*; do
    if ! ls "$home"/tests/test_*.py >/dev/null 2>&1; then
        echo "layout: $home has no tests" >&2
        exit 1
    fi
done
