"""What a template computes with, and how Go prints it."""

import math
from collections.abc import Mapping

from vibeguard.core.lang.errors import LanguageError


class Extracted(str):
    """A text that came out of a check's output: it is quoted where a command line is made."""

    __slots__ = ()


# None is Go's missing value: the lookup of a name that is not there.
Scalar = str | bool | int | float | None
Value = Scalar | Mapping[str, Scalar]

NO_VALUE = "<no value>"
_LEAST_EXPONENT = 6  # from here on Go writes a float with an exponent


def fail(what: str) -> LanguageError:
    """Return the error of a template that Go would stop executing."""
    return LanguageError(what, "see Go's text/template; values are texts", 0)


def kind(value: Value) -> str:
    """Return the name of a value's kind as Go's messages have it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float64"
    return "string" if isinstance(value, str) else "map"


def truth(value: Value) -> bool:
    """Return whether a value is not the zero of its kind."""
    return bool(value)


def show(value: Value, missing: str = NO_VALUE) -> str:
    """Return a value as Go's fmt prints it with %v; a result that holds extracted text says so."""
    if value is None:
        return missing
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return show_float(value)
    if isinstance(value, int | str):
        return value if isinstance(value, str) else str(value)
    entries = " ".join(f"{name}:{show(value[name])}" for name in sorted(value))
    return Extracted(f"map[{entries}]")


def show_float(value: float) -> str:
    """Return a float in Go's shortest form: with an exponent below -4 and from 6 on."""
    if not math.isfinite(value):
        return {"inf": "+Inf", "-inf": "-Inf"}.get(repr(value), "NaN")
    digits = next(d for d in range(17, -1, -1) if d == 0 or float(f"{value:.{d - 1}e}") != value)
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    if -5 < int(exponent) < _LEAST_EXPONENT:
        return f"{value:.{max(digits - int(exponent), 0)}f}"
    return f"{mantissa}e{exponent}"
