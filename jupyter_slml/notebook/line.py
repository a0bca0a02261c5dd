"""The line of `%%train`: the options of a job, and how the notebook goes about it."""

from __future__ import annotations

import os
import unicodedata
from typing import Any

from pydantic import Field, field_validator

from jupyter_slml.domain.specs import TrainOptions
from jupyter_slml.notebook.options import Options


class TrainLine(TrainOptions):
    """What a line or a call asks for, checked one field at a time; `checks` compares the fields with the notebook."""

    wait: bool | None = Field(
        default=None,
        description="Wait in the cell, and raise when the job fails. Unset: wait when nobody looks (papermill, CI).",
        json_schema_extra={"flags": ["--wait"]},
    )
    dry_run: bool = Field(
        default=False,
        description="Show what would travel, and send nothing.",
        json_schema_extra={"flags": ["--dry-run"]},
    )
    capture: list[str] = Field(
        default_factory=list,
        description="A variable that travels although the cell does not name it. May be repeated.",
        json_schema_extra={"flags": ["--capture"], "metavar": "VARIABLE"},
    )
    no_capture: list[str] = Field(
        default_factory=list,
        description="A variable that stays here although the cell reads it. May be repeated.",
        json_schema_extra={"flags": ["--no-capture"], "metavar": "VARIABLE"},
    )
    files: list[str] = Field(
        default_factory=list,
        description="Files, folders or patterns (data/*.csv) that travel with the cell. One from outside of the working "
        "directory (../x, /data/x) lies in the job under its last name.",
        json_schema_extra={"flags": ["--files"], "metavar": "PATH", "many": True},
    )
    inject: bool = Field(
        default=False,
        description="Wait, then bind the outputs as variables of the notebook.",
        json_schema_extra={"flags": ["--inject"]},
    )

    @field_validator("after", "files", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        """One stands for a list of one, a job's handle for its id, a path for its text."""
        return [_word(item) for item in (value if isinstance(value, (list, tuple)) else [value])]

    @field_validator("inputs", mode="before")
    @classmethod
    def _uris(cls, value: Any) -> Any:
        return {name: _word(item) for name, item in value.items()} if isinstance(value, dict) else value

    @field_validator("outputs", "capture", "no_capture", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        return [_as_python_reads(item) for item in (value if isinstance(value, (list, tuple)) else [value])]

    @field_validator("parameters", mode="before")
    @classmethod
    def _keys(cls, value: Any) -> Any:
        return {_as_python_reads(name): item for name, item in value.items()} if isinstance(value, dict) else value


def _word(value: Any) -> Any:
    identity = getattr(value, "id", None)
    if isinstance(identity, str):
        return identity
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _as_python_reads(name: Any) -> Any:
    """Python takes identifiers in NFKC; a name must be the one under which the cell will look for it."""
    return unicodedata.normalize("NFKC", name) if isinstance(name, str) else name


EXAMPLE = "%%train --name churn -p max_depth=6 --output model --register churn"
OPTIONS = Options("%%train", TrainLine, "Run the cell below as a managed job on the cluster.", EXAMPLE)
