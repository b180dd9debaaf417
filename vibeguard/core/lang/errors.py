"""The error of the small languages: duration, template, expression, grok."""

from collections.abc import Callable


class LanguageError(Exception):
    """A text is not of its language: what is wrong, what to do, and where in the text.

    `offset` counts code points from the start of the text; 0 where no better place is known.
    `meant` finds better advice than `plain` (did you mean?); it takes time, so it is asked late.
    """

    def __init__(
        self, what: str, do: str = "", offset: int = 0, *, meant: Callable[[], str] | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.plain = do
        self.offset = offset
        self.meant = meant
        self.cost = 100  # what finding it took, in characters read

    @property
    def do(self) -> str:
        """The best advice."""
        return (self.meant() if self.meant else "") or self.plain

    @property
    def sentence(self) -> str:
        """What is wrong and, where something can be advised, what to do."""
        do = self.do
        return f"{self.what}: {do}" if do else self.what


_SHOWN = 60  # characters of a wrong value that a message repeats


def quoted(text: str) -> str:
    """The text in double quotes, cut where it is too long for a message."""
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 3] + "..."
    return f'"{text}"'
