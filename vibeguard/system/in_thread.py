"""Work that a thread does meanwhile; where the system refuses one, whoever waits for it does it."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class InThread(Generic[Value]):
    """Work that has begun or, without a thread, will be done by the first who waits for it."""

    def __init__(self, work: Callable[[], Value]) -> None:
        self._work = work
        self._value: list[Value] = []
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start the thread, if there is one to be had."""
        thread = threading.Thread(target=self._do, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return
        self._thread = thread

    def wait(self, within_s: float | None = None) -> bool:
        """Whether it is over, in this time if one is given."""
        if self._thread is not None:
            self._thread.join(within_s)
        elif not self._is_over():
            self._do()
        return self._is_over()

    def result(self, within_s: float | None = None) -> Value:
        """What the work gives, or raises; TimeoutError where it takes longer."""
        if not self.wait(within_s):
            raise TimeoutError("timed out")
        if self._error is not None:
            raise self._error
        return self._value[0]

    def _is_over(self) -> bool:
        return bool(self._value) or self._error is not None

    def _do(self) -> None:
        try:
            self._value.append(self._work())
        except Exception as error:  # noqa: BLE001 - raised where the result is asked for
            self._error = error
