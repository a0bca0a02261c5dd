"""Tokens of callers in SQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, delete, insert, or_, select

from jupyter_slml.domain.records import Token
from jupyter_slml.storage.rows import to_record, to_row
from jupyter_slml.storage.schema import tokens

_TOKEN = ("endpoints", "scopes")
_ALL = select(tokens).order_by(tokens.c.created_at, tokens.c.id)


def add(connection: Connection, token: Token) -> None:
    connection.execute(insert(tokens).values(**to_row(token, _TOKEN)))


def find(connection: Connection, key: str) -> list[Token]:
    """Those with that id or name, oldest first."""
    return _read(connection, _ALL.where(or_(tokens.c.id == key, tokens.c.name == key)))


def every(connection: Connection) -> list[Token]:
    """All tokens, oldest first, also those that have expired."""
    return _read(connection, _ALL)


def remove(connection: Connection, token_id: str) -> None:
    connection.execute(delete(tokens).where(tokens.c.id == token_id))


def _read(connection: Connection, query: Select[Any]) -> list[Token]:
    return [to_record(Token, row, _TOKEN) for row in connection.execute(query).mappings()]
