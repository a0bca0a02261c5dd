"""An endpoint's figures in words: for its card, its widget and its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_slml.notebook.table import human_seconds


def figures(load: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(title, text) of an EndpointLoad as JSON; what was not measured is left out."""
    rows = [
        ("traffic", _traffic(load)),
        ("latency", _latency(load)),
        ("now", f"{load['in_flight']} in flight, {load['waiting']} waiting"),
        ("cold starts", _cold_starts(load["cold_starts"])),
        ("cost so far", _cost(load)),
    ]
    return [(title, text) for title, text in rows if text]


def _traffic(load: Mapping[str, Any]) -> str:
    parts = [f"{load['rate']:.3g} requests/s"]
    if len(load["rates"]) > 1:
        parts[0] += f" ({', '.join(f'v{number}: {rate:.3g}' for number, rate in sorted(load['rates'].items()))})"
    shares = (("errors", load["error_rate"]), ("refused", load["refused_rate"]))
    parts += [f"{share:.2%} {what}" for what, share in shares if share]
    return f"{', '.join(parts)} over the last {human_seconds(load['window'])}"


def _latency(load: Mapping[str, Any]) -> str:
    found = [(name, load[name]) for name in ("p50", "p95", "p99") if load[name] is not None]
    return ", ".join(f"{name} {value:.3g} ms" for name, value in found)


def _cold_starts(starts: Mapping[str, Any]) -> str:
    if not starts["count"]:
        return ""
    phases = ", ".join(f"{name} {value:.0f}" for name, value in starts["phases"].items())
    return f"{starts['count']}, median {starts['median']:.0f} ms" + (f" ({phases})" if phases else "")


def _cost(load: Mapping[str, Any]) -> str:
    ran = f"{human_seconds(load['replica_seconds'])} of replicas"
    return f"{load['cost']:.2f} ({ran})" if load["cost"] else ran
