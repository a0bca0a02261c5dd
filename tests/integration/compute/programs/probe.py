"""A program for the zygote that runs whatever the test sends."""

from __future__ import annotations

from typing import Any


def run(payload: dict[str, Any], messages: int) -> int | None:
    names: dict[str, Any] = {"messages": messages, "payload": payload}
    exec(payload["code"], names)
    return names.get("code")
