"""What the gateway takes, and for how long it waits."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one gateway. Times in seconds, sizes in bytes."""

    #: Request line and headers of one request.
    head: int = 16 * KIB
    #: Of a body, where the endpoint has no bound of its own.
    body: int = 16 * MIB
    #: From the first byte of a request to the end of its headers, and from there to the end of its body.
    head_time: float = 10.0
    body_time: float = 60.0
    #: A kept-open connection without a request.
    idle_time: float = 75.0
    #: A client that does not read its answers.
    write_time: float = 60.0
    #: After an answer that ends the connection, how long what the client still sends is read and thrown away: closing at
    #: once would reset the connection and take the answer with it.
    linger_time: float = 2.0
    #: Unanswered requests of one connection; more of them wait in the client's socket.
    pipelined: int = 64
    #: Bodies and bytes of one batch.
    batch: int = 256
    batch_bytes: int = 4 * MIB
    #: Bodies held in memory, all endpoints together.
    held_bytes: int = 256 * MIB
    #: How often an unanswered request is given to another replica after its own died.
    tries: int = 2
    #: A replica that is at one batch for so long, and for longer than a request may take, hangs. One that has been silent
    #: for the probe time is asked whether it lives.
    hang_time: float = 30.0
    probe_time: float = 10.0
    #: How long after the gateway's start, and after the loss of a replica, replicas may come back before one is started.
    reattach_time: float = 1.0
    quiet_time: float = 0.5
    #: How long a replica that the daemon starts is waited for.
    waking_time: float = 5.0
    #: How long a request in flight may take after the gateway was asked to leave.
    drain_time: float = 5.0
