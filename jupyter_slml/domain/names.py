"""Names, references and identities.

A name is what people type: Unicode letters, digits, `_`, `-` and `.`, starting with a letter or digit, at most 63
characters, NFC. It never becomes a file path: paths are made of ids and digests alone.
"""

from __future__ import annotations

import keyword
import re
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from jupyter_slml.errors import Invalid

_NAME = re.compile(r"[^\W_][\w.-]{0,62}")

#: Stage names are reserved: they are neither aliases nor versions.
STAGES = ("candidate", "staging", "production", "archived")

#: No version has a higher number.
MOST_VERSIONS = 2**31 - 1


def check_name(text: str) -> str:
    """Return the name in NFC; raises ValueError with what a name may look like."""
    name = unicodedata.normalize("NFC", text)
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{text[:80]!r} is not a name: use letters, digits, '_', '-' and '.', "
            "start with a letter or digit, at most 63 characters"
        )
    return name


def check_variable(name: str) -> None:
    """Raises ValueError for what is not the name of a Python variable."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name[:80]!r} is not the name of a Python variable")


Name = Annotated[str, AfterValidator(check_name)]

#: sha256, hexadecimal: what paths are made of is checked, whoever sends it.
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Reference:
    """`name`, `name@7`, `name@champion`, `name@production`: which version of a model is meant."""

    name: str
    version: int | None = None
    word: str | None = None

    @property
    def bare(self) -> bool:
        """Whether it is the name alone, which means another version from time to time."""
        return self.version is None and self.word is None

    def __str__(self) -> str:
        end = self.version if self.version is not None else self.word
        return self.name if end is None else f"{self.name}@{end}"


def parse_reference(text: str, field: str = "model") -> Reference:
    """Read `name[@word]`. Raises Invalid naming `field`."""
    name, at, word = text.partition("@")
    try:
        name = check_name(name)
        if at and not word.isdecimal():
            word = check_name(word)
    except ValueError as error:
        raise Invalid(
            f"{text!r} is not a model reference: {error}.",
            field=field,
            value=text,
            remedy="Write NAME, NAME@VERSION (churn@7) or NAME@ALIAS (churn@champion).",
        ) from error
    if not at:
        return Reference(name)
    if word.isdecimal():
        # Cut short: what nobody has counted to must not break the arithmetic of a database.
        return Reference(name, version=int(word) if len(word) < 10 else MOST_VERSIONS)
    return Reference(name, word=word)


def new_id(prefix: str) -> str:
    """A random identity such as `job-1f3a9c0b2e44` (48 bits): safe in a path, a URL and a file name."""
    return f"{prefix}-{secrets.token_hex(6)}"
