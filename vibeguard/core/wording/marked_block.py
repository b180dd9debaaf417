"""Our block of lines in a file that belongs to the user, between two marks."""

from msgspec import Struct


class Unclosed(Exception):
    """One mark is there and the other is not, or they stand the wrong way round."""


class Block(Struct, frozen=True):
    """The lines that begin and end a block; each stands alone in its line."""

    first: str
    last: str

    def put_into(self, text: str, content: str) -> str:
        """The text with the block in it: in the place of the one that it has, else at its end.

        What stands outside of the marks stays as it is. Raises Unclosed.
        """
        block = f"{self.first}\n{content.rstrip()}\n{self.last}\n"
        lines = text.splitlines(keepends=True)
        found = [line.strip() for line in lines]
        if self.first not in found and self.last not in found:
            gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
            return text + gap + block
        if (found.count(self.first), found.count(self.last)) != (1, 1):
            raise Unclosed(f"the marks {self.first} and {self.last} do not stand there once each")
        begin, end = found.index(self.first), found.index(self.last)
        if end < begin:
            raise Unclosed(f"the mark {self.last} stands before {self.first}")
        return "".join(lines[:begin]) + block + "".join(lines[end + 1 :])
