"""How an option is spelled, and what several options share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|m|min|h|d)?\s*")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def option(*flags: str, metavar: str | None = None, whole: bool = False) -> dict[str, Any]:
    """`json_schema_extra` of a field that a magic spells with `flags`. A list is split at commas unless it is `whole`."""
    return {"flags": list(flags), "metavar": metavar} | ({"whole": True} if whole else {})


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _DURATION.fullmatch(value)
    if found is None:
        raise ValueError(f"{value[:40]!r} is not a duration: write a number of seconds, or 20ms, 1.5s, 10m, 1h, 30d")
    return float(found[1]) * _SECONDS[found[2] or "s"]


#: Seconds, also written as `20ms`, `1.5s`, `10m`, `1h`, `30d`.
Duration = Annotated[float, BeforeValidator(_seconds)]
