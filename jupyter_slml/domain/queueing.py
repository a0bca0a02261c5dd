"""Queueing theory: how many servers keep the wait short, for Poisson arrivals and one queue (M/M/n).

Small systems need slack and large ones share it, which a fixed utilisation gets wrong in both directions: at an offered load
of 1 it leaves a wait of twice the service time, at 100 it buys a third too many servers.
"""

from __future__ import annotations

import math


def waiting_share(servers: int, load: float) -> float:
    """Share of the requests that find all servers busy (Erlang C). `load` is arrival rate times service time, in servers;
    from `servers` on everybody waits."""
    if load >= servers:
        return 1.0
    blocked = 1.0
    for number in range(1, servers + 1):
        # Erlang B by recursion: no factorials, stable for thousands of servers.
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def wait(servers: int, load: float, service: float, share: float) -> float:
    """Seconds that `share` of the requests wait at most, first come first served; infinite without slack."""
    if load >= servers:
        return math.inf
    waits = waiting_share(servers, load)
    return 0.0 if waits <= 1 - share else service * math.log(waits / (1 - share)) / (servers - load)


def servers_for(load: float, service: float, target: float, *, share: float = 0.95, most: int = 10_000) -> int:
    """The fewest servers with which `share` of the requests wait at most `target` seconds; `most` when more are needed."""
    count = math.floor(load) + 1
    while count < most and wait(count, load, service, share) > target:
        count += 1
    return min(count, most)
