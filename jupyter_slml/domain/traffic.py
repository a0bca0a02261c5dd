"""Shares of an endpoint's traffic: whole percents by revision that sum to 100."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jupyter_slml.errors import Invalid

#: The sum of all shares.
WHOLE = 100

_EXAMPLE = "For example: 7=90 8=10 (revisions by number), or churn@7=90 churn@8=10."


def read_shares(words: Iterable[str]) -> dict[str, int]:
    """Shares as people write them, `7=90 churn@8=10`, by what stands before the `=`.

    Raises Invalid for anything else, and for shares that do not sum to 100.
    """
    shares: dict[str, int] = {}
    for word in words:
        name, equals, share = word.rpartition("=")
        share = share.removesuffix("%").strip()
        if not equals or not name or not share.isdecimal() or len(share) > 3:
            raise Invalid(
                f"{word[:80]!r} is no share: it is written REVISION=PERCENT, with a whole percent.",
                field="SHARES",
                value=word,
                remedy=_EXAMPLE,
            )
        if name in shares:
            raise Invalid(f"{name} has two shares.", field="SHARES", value=word, remedy="Name each revision once.")
        shares[name] = int(share)
    check_shares(shares)
    return shares


def check_shares(shares: Mapping[str, int]) -> None:
    """Raises Invalid for shares that are no whole percents or do not sum to 100."""
    said = " + ".join(str(share) for share in shares.values())
    if any(isinstance(share, bool) or not isinstance(share, int) or share < 0 for share in shares.values()):
        problem = f"Shares are whole percents, 0 to {WHOLE}; these are {said}."
    elif sum(shares.values()) != WHOLE:
        problem = f"The shares must sum to {WHOLE}, and {said or 'nothing'} is {sum(shares.values())}."
    else:
        return
    raise Invalid(problem, field="SHARES", value=said, remedy=_EXAMPLE)


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
