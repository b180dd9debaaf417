"""`python -m vibeguard`."""

from vibeguard.cli import command

if __name__ == "__main__":
    command()
