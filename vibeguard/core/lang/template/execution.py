"""Carrying out a template, which is read into functions, one in another."""

from collections.abc import Callable, Mapping, Sequence

from vibeguard.core.lang.template.functions import OutputFull, Value, call, show

Evaluate = Callable[["Execution"], Value]
Step = Callable[["Execution"], None]
_MOST_READ = 2 << 20  # characters that one call of a function is given


class Execution:
    """One template being carried out. Its text, and what it makes on the way, has a bound.

    There is no loop: the steps are as many as the template has nodes.
    """

    def __init__(
        self, values: Mapping[str, str], variables: Mapping[str, str], most_characters: int
    ) -> None:
        self._values = values
        self._variables = variables
        self._room = most_characters
        self._pieces: list[str] = []
        self.entered: dict[str, str | None] = {}

    @property
    def text(self) -> str:
        """What has been written so far."""
        return "".join(self._pieces)

    def show(self, value: Evaluate) -> None:
        """Write what comes of an action. Raises `OutputFull`, `text` filled, or LanguageError."""
        self.write(show(value(self)))

    def branch(self, condition: Evaluate, body: Sequence[Step], otherwise: Sequence[Step]) -> None:
        """`if`: carry out one or the other."""
        before = dict(self.entered)
        holds = condition(self)
        self.entered = before  # what is only looked at does not get into the text
        for step in body if holds else otherwise:
            step(self)

    def write(self, text: str) -> None:
        """Write text that stands for itself. Raises `OutputFull`."""
        self._pieces.append(text[: self._room])
        self._room -= len(text)
        if self._room < 0:
            raise OutputFull

    def call(self, name: str, operands: Sequence[Evaluate]) -> Value:
        """Call a function; `and` and `or` look at their operands only as far as they must."""
        arguments: list[Value] = []
        for position, operand in enumerate(operands, 1):
            before = dict(self.entered)
            arguments.append(operand(self))
            if name not in ("and", "or"):
                continue
            if bool(arguments[-1]) == (name == "or"):
                return arguments[-1]
            if position < len(operands):
                self.entered = before  # passed over: another value is what comes out
        # What is given again and again would fill the memory before it is shown.
        if sum(len(argument) for argument in arguments if isinstance(argument, str)) > _MOST_READ:
            raise OutputFull
        value = call(name, arguments)
        if isinstance(value, str) and len(value) > self._room:
            self.write(value)
        return value

    def look_up(self, name: str) -> Value:
        """What is extracted under a name, or the variable of that name."""
        if name in self._variables:
            return self._variables[name]
        self.entered[name] = self._values.get(name)
        return self.entered[name]
