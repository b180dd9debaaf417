"""The error of the small languages: duration, template, expression, grok."""


class LanguageError(Exception):
    """A text is not of its language: what is wrong, what to do, and where in the text.

    `offset` counts code points from the start of the text; 0 where no better place is known.
    """

    def __init__(self, what: str, do: str = "", offset: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.do = do
        self.offset = offset


_SHOWN = 60  # characters of a wrong value that a message repeats


def quoted(text: str) -> str:
    """The text in double quotes, cut where it is too long for a message."""
    if len(text) > _SHOWN:
        text = text[: _SHOWN - 3] + "..."
    return f'"{text}"'
