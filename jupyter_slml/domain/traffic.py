"""Shares of an endpoint's traffic: whole percents by revision that sum to 100."""

from __future__ import annotations

from collections.abc import Mapping

#: The sum of all shares.
WHOLE = 100


def admit(traffic: Mapping[str, int], revision: str, weight: int) -> dict[str, int]:
    """Give `revision` that share; what was there keeps its proportion of the rest. With 100 it is alone."""
    rest = {name: share for name, share in traffic.items() if name != revision}
    if weight >= WHOLE or not rest:
        return {revision: WHOLE}
    return {**_spread(rest, WHOLE - weight), revision: weight}


def without(traffic: Mapping[str, int], revision: str) -> dict[str, int]:
    """Take `revision` out; the others take over in their proportion. Empty when it was alone."""
    rest = {name: share for name, share in traffic.items() if name != revision}
    return _spread(rest, WHOLE) if rest else {}


def largest(traffic: Mapping[str, int]) -> str | None:
    """Who answers most, of equals the one that came first; None when nobody answers."""
    return max(traffic, key=lambda name: traffic[name]) if traffic else None


def _spread(shares: Mapping[str, int], total: int) -> dict[str, int]:
    """Shares in the same proportion that sum to `total`: the largest remainders are rounded up."""
    whole = sum(shares.values())
    exact = {name: share * total / whole if whole else total / len(shares) for name, share in shares.items()}
    found = {name: int(value) for name, value in exact.items()}
    left = total - sum(found.values())
    for name in sorted(exact, key=lambda name: found[name] - exact[name])[:left]:
        found[name] += 1
    return found
