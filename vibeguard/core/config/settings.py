"""The `settings` of a config: every key is optional, and a command-line flag wins over it."""

from functools import partial

from vibeguard.core.config.nodes import Mapping
from vibeguard.core.config.reader import Reader
from vibeguard.core.config.values import leak_policy, size_bytes, truth, whole_number
from vibeguard.core.lang.duration import parse_duration
from vibeguard.core.model.config import Settings
from vibeguard.core.names import MOST_SLOTS

SETTINGS_KEYS = (
    "parallel", "async_parallel", "async_after", "grace", "fail_fast", "run_timeout", "leaks",
    "leak_grace", "output_limit", "grok_limit", "keep_runs", "keep_bytes", "keep_age",
)  # fmt: skip
_MOST_RUNS = 1_000_000


def read_settings(root: Mapping, reader: Reader) -> Settings:
    """The settings; those that are absent, or have a problem, are as by default."""
    node = reader.mapping(root, "settings")
    if node is None:
        return Settings()
    reader.only_keys(node, SETTINGS_KEYS, '"settings"')
    convert = partial(reader.convert, node)
    slots = partial(whole_number, least=1, most=MOST_SLOTS)
    default = Settings()
    return Settings(
        parallel=convert("parallel", slots, None),
        async_parallel=convert("async_parallel", slots, None),
        async_after_ns=convert("async_after", parse_duration, default.async_after_ns),
        grace_ns=convert("grace", parse_duration, default.grace_ns),
        fail_fast=convert("fail_fast", truth, False),
        run_timeout_ns=convert("run_timeout", parse_duration, 0) or None,
        leaks=convert("leaks", leak_policy, default.leaks),
        leak_grace_ns=convert("leak_grace", parse_duration, default.leak_grace_ns),
        output_limit_bytes=convert("output_limit", size_bytes, default.output_limit_bytes),
        grok_limit_bytes=convert("grok_limit", size_bytes, default.grok_limit_bytes),
        keep_runs=convert(
            "keep_runs", partial(whole_number, least=1, most=_MOST_RUNS), default.keep_runs
        ),
        keep_bytes=convert("keep_bytes", size_bytes, default.keep_bytes),
        keep_age_ns=convert("keep_age", parse_duration, default.keep_age_ns),
    )
