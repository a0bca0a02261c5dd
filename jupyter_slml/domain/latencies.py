"""Latencies in logarithmic buckets: a few hundred integers per series, a constant cost per value.

Counts of several histograms add up, and the difference of two readings is the histogram of what came between.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Eight buckets for each doubling: a quantile is off by at most 6 %.
_FINE = 3
_MOST = 40 << _FINE


class Histogram:
    """Counts of microseconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * _MOST
        self.total = 0

    def add(self, seconds: float) -> None:
        micros = int(seconds * 1e6)
        octave = micros.bit_length()
        # Below eight microseconds a bucket is one microsecond; above, the three bits after the leading one choose it.
        bucket = micros if octave <= _FINE else ((octave - _FINE) << _FINE) + ((micros >> (octave - _FINE - 1)) & 7)
        self.counts[min(max(bucket, 0), _MOST - 1)] += 1
        self.total += 1

    def quantile(self, share: float) -> float | None:
        """Milliseconds below which `share` of all values lie; None without values."""
        return quantile(self.sparse(), share)

    def sparse(self) -> dict[int, int]:
        """The counts that are not zero, by bucket."""
        return {bucket: count for bucket, count in enumerate(self.counts) if count} if self.total else {}


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Milliseconds below which `share` of the values with these counts by bucket lie; None without values."""
    wanted = share * sum(counts.values())
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if counts[bucket] > 0 and seen >= wanted:
            return middle(bucket) / 1000
    return None


def middle(bucket: int) -> float:
    """Microseconds in the middle of a bucket."""
    octave, step = divmod(bucket, 1 << _FINE)
    if octave == 0:
        return float(step)
    width = 1 << (octave - 1)
    return (8 + step) * width + width / 2
