"""Sends what travels with a cell: each byte once, under its digest."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_slml.domain.specs import Capture
from jupyter_slml.notebook.cargo import MODULE, Cargo
from jupyter_slml.notebook.table import Table, human_size

if TYPE_CHECKING:
    from jupyter_slml.client import Client

#: Files that a manifest lists one by one.
_ROWS = 10


def missing(cargo: Cargo, client: Client) -> set[str]:
    """Digests of the cargo that the store does not have."""
    return set(client.blobs.missing(list(cargo.files)))


def ship(cargo: Cargo, client: Client) -> int:
    """Upload what the store does not have; returns the bytes sent. Raises StorageFull when the store is full."""
    sent = 0
    for digest in missing(cargo, client):
        path = Path(cargo.files[digest].name)
        client.blobs.put(digest, path)
        sent += path.stat().st_size
    return sent


def manifest(cargo: Cargo, absent: Collection[str], title: str) -> Table:
    """What would travel: name, type, size, how, and whether the store has it already."""
    rows: list[list[str]] = [_row(capture, absent) for capture in cargo.captures if not capture.name.startswith("_slml_")]
    total = sum(capture.size for capture in cargo.captures)
    if cargo.bundle is not None:
        stored = "no" if cargo.bundle.digest in absent else "yes"
        sizes = sorted(cargo.sizes.items(), key=lambda item: -item[1])
        rows += [[name, "file", human_size(size), "zip", stored] for name, size in sizes[:_ROWS]]
        if len(sizes) > _ROWS:
            rest = sum(size for _, size in sizes[_ROWS:])
            rows.append([f"… {len(sizes) - _ROWS} more", "files", human_size(rest), "zip", stored])
        total += cargo.bundle.size
    heading = f"{title} would send {human_size(_bytes(cargo, absent))} of {human_size(total)}."
    return Table(
        ["name", "type", "size", "how", "stored already"], rows, title=heading, empty="It reads nothing of the notebook."
    )


def burden(cargo: Cargo, limit: int) -> str:
    """A line about captures that take more than `limit` bytes together, the largest by name; empty below it."""
    total = sum(capture.size for capture in cargo.captures)
    if not limit or total <= limit:
        return ""
    largest = sorted(cargo.captures, key=lambda capture: -capture.size)[:3]
    names = ", ".join(f"{item.name} ({item.type}, {human_size(item.size)})" for item in largest if item.size)
    return (
        f"{human_size(total)} travel with this cell; the largest: {names}. Let the cell read large data itself "
        "(--input NAME=URI), or capture less of it; slml.config.warn_bytes sets where this line begins."
    )


def _row(capture: Capture, absent: Collection[str]) -> list[str]:
    if capture.format == MODULE:
        return [capture.name, "module", "", f"import {capture.digest}", ""]
    stored = "no" if capture.digest in absent else "yes"
    return [capture.name, capture.type, human_size(capture.size), capture.format, stored]


def _bytes(cargo: Cargo, absent: Collection[str]) -> int:
    sizes = {capture.digest: capture.size for capture in cargo.captures}
    if cargo.bundle is not None:
        sizes[cargo.bundle.digest] = cargo.bundle.size
    return sum(size for digest, size in sizes.items() if digest in absent)
