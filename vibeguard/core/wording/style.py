"""Colour, when it is wanted. The only place that knows SGR codes."""

from msgspec import Struct

RESET = "\x1b[0m"


class Style(Struct, frozen=True):
    """Paints already sanitised text; without `colour` it changes nothing."""

    colour: bool = False

    def paint(self, text: str, code: str) -> str:
        """Put the text between an SGR code and a reset."""
        return f"\x1b[{code}m{text}{RESET}" if self.colour and text else text

    def bad(self, text: str) -> str:
        """What failed."""
        return self.paint(text, "1;31")

    def good(self, text: str) -> str:
        """What passed."""
        return self.paint(text, "32")

    def warn(self, text: str) -> str:
        """What deserves a look."""
        return self.paint(text, "33")

    def dim(self, text: str) -> str:
        """What is there for completeness."""
        return self.paint(text, "2")

    def strong(self, text: str) -> str:
        """What the eye should find."""
        return self.paint(text, "1")

    def status(self, text: str, word: str) -> str:
        """Paint a text as the status word deserves."""
        return self.paint(text, _STATUS_CODES.get(word, "0"))


_STATUS_CODES = {
    "passed": "32",
    "warned": "33",
    "skipped": "33",
    "cancelled": "33",
    "failed": "1;31",
    "timeout": "1;31",
    "error": "1;31",
}
