"""`python -m vibeguard`."""

import sys

from vibeguard.cli import main

if __name__ == "__main__":
    sys.exit(main())
