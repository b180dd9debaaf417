"""The one door at which secrets are masked: nothing that a check brings into an event gets past it."""

import msgspec
import pytest

from vibeguard.core.model import events
from vibeguard.core.model.events import CheckResults, CheckSettled, Envelope
from vibeguard.core.model.results import Result
from vibeguard.core.names import Outcome, ResultKind
from vibeguard.core.redaction import MASK, redaction
from vibeguard.core.results.texts import cut
from vibeguard.core.wording.layout import shorten

SECRET = "s3cret-value/with.dots..and more of it"
# What stays as it is written, and names that tie events together.
KEPT = {
    "run.started", "run.planned", "log.sealed", "unknown",
    "check", "checks", "requirement", "pending", "cause", "by", "signal", "run", "seal", "key",
    "engine", "token", "worker", "output_path", "output_sha256", "vcs", "patch",
}  # fmt: skip


def filled(annotation: object) -> object:
    """A value of a type whose every text holds the secret; None where no text can be in it."""
    info = msgspec.inspect.type_info(annotation)
    return _filled(info)


def _filled(info: object) -> object:
    inspect = msgspec.inspect
    match info:
        case inspect.StrType():
            return f"a {SECRET} b"
        case inspect.VarTupleType(item_type=item):
            inner = _filled(item)
            return None if inner is None else (inner,)
        case inspect.DictType(value_type=value):
            inner = _filled(value)
            return None if inner is None else {"name": inner}
        case inspect.UnionType(types=types):
            return next((made for one in types if (made := _filled(one)) is not None), None)
        case inspect.StructType(cls=cls, fields=fields):
            made = {
                field.name: value for field in fields if (value := _filled(field.type)) is not None
            }
            others = {f.name: _plain(f.type) for f in fields if f.required and f.name not in made}
            return cls(**made, **others) if made else None
    return None


def _plain(info: object) -> object:
    inspect = msgspec.inspect
    match info:
        case inspect.EnumType(cls=cls):
            return next(iter(cls))
        case inspect.DictType():
            return {}
        case inspect.BoolType():
            return True
    return 0


KINDS = [
    kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Envelope)
]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Envelope])
def test_every_text_of_every_event_is_masked_but_for_names(kind: type) -> None:
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    if info.tag in KEPT:
        return
    texts = {
        field.name: value
        for field in info.fields
        if field.name not in KEPT and (value := _filled(field.type)) is not None
    }
    others = {f.name: _plain(f.type) for f in info.fields if f.required and f.name not in texts}
    event = kind(**texts, **others)
    written = msgspec.json.encode(redaction(frozenset({SECRET}))(event)).decode()
    assert SECRET not in written
    assert written.count(MASK) >= len(texts)


def test_single_results_are_masked_and_keep_their_numbers() -> None:
    result = Result(ResultKind.TEST, name=f"t[{SECRET}]", file=SECRET, line=3, message=SECRET)
    event = CheckResults(check="unit", attempt=1, results=(result,), notes=(f"no {SECRET}",))
    masked = redaction(frozenset({SECRET}))(event)
    assert masked == CheckResults(
        check="unit",
        attempt=1,
        results=(Result(ResultKind.TEST, name=f"t[{MASK}]", file=MASK, line=3, message=MASK),),
        notes=(f"no {MASK}",),
    )


@pytest.mark.parametrize("most", range(len(SECRET) + 4, 14, -1))
def test_what_is_left_of_a_secret_that_was_cut_is_masked(most: int) -> None:
    texts = (cut(f"is {SECRET}", most), shorten(f"{SECRET}{'-' * 99}{SECRET}", 2 * most))
    for text in (*texts, f"is {SECRET}"[:most]):
        event = CheckSettled(check="unit", outcome=Outcome.FAILED, detail=text)
        masked = redaction(frozenset({SECRET, "another secret"}))(event)
        assert SECRET[:8] not in masked.detail
        assert SECRET[-8:] not in masked.detail


def test_a_text_without_a_secret_stays() -> None:
    for text in ("dots.. and [3 characters] s3cret-valu", "..", "", "s3cret.."):
        event = CheckSettled(check="unit", outcome=Outcome.FAILED, detail=text)
        assert redaction(frozenset({SECRET}))(event).detail == text.replace("s3cret-valu", MASK)


def test_what_is_left_of_a_secret_that_repeats_itself_is_masked_from_its_beginning() -> None:
    """The eight characters before the cut stand in it twice: the longer part is what was cut."""
    redact = redaction(frozenset({"ab" * 8}))
    event = CheckSettled(check="a", outcome=Outcome.FAILED, attempts=1, detail="x ababababab..")
    masked = redact(event)
    assert isinstance(masked, CheckSettled)
    assert masked.detail == f"x {MASK}.."


def test_a_mask_of_a_secret_with_dots_in_it_stays_whole() -> None:
    """The dots were taken for a cut of their own, and written into the mask."""
    event = CheckSettled(check="a", outcome=Outcome.FAILED, attempts=1, detail="ba b..a...ba..")
    masked = redaction(frozenset({"b..a...bab"}))(event)
    assert isinstance(masked, CheckSettled)
    assert masked.detail == f"ba {MASK}.."
