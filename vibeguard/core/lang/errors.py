"""What a text of one of the small languages (duration, template, expression, grok) can be guilty of."""


class LanguageError(Exception):
    """A text is not of its language: what is wrong, what to do, and where in the text.

    `offset` counts code points from the start of the text; 0 where no better place is known.
    """

    def __init__(self, what: str, do: str = "", offset: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.do = do
        self.offset = offset
