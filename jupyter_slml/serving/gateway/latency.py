"""Latencies in logarithmic buckets: a few hundred integers per endpoint, a constant cost per request."""

from __future__ import annotations

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
        if not self.total:
            return None
        wanted = share * self.total
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return _middle(bucket) / 1000
        return None


def _middle(bucket: int) -> float:
    octave, step = divmod(bucket, 1 << _FINE)
    if octave == 0:
        return float(step)
    width = 1 << (octave - 1)
    return (8 + step) * width + width / 2
