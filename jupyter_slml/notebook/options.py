"""A magic's options, made from a pydantic model: parser, help and completion.

A field takes part when its `json_schema_extra` has `flags` (how the magic spells it) or `positional`. `dict` fields take
`KEY=VALUE`, `list` fields may be repeated, `bool` fields are switches (`--x` / `--no-x` when unset means something else).
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from jupyter_slml.domain.instances import INSTANCE_TYPES
from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.tokens import Token, tokenize

Model = TypeVar("Model", bound=BaseModel)


class HelpWanted(Exception):
    """The line asks for `-h`: the caller shows the text and returns."""


@dataclass(frozen=True)
class Option:
    """One field as the magic spells it."""

    field: str
    flags: tuple[str, ...]
    metavar: str
    #: "switch", "choice" (a switch with its opposite), "list", "pairs", "environment" or "one".
    kind: str
    positional: bool
    help: str
    required: bool

    @property
    def shown(self) -> str:
        return self.metavar if self.positional else max(self.flags, key=len)


class Options(Generic[Model]):
    """The options of one magic. `prog` is shown in help (`%%train`), `example` ends it."""

    def __init__(self, prog: str, model: type[Model], summary: str, example: str) -> None:
        self.prog = prog
        self.model = model
        self.summary = summary
        self.example = example
        self.entries = [entry for name, info in model.model_fields.items() if (entry := _option(name, info))]
        self.parser = self._parser()

    @property
    def flags(self) -> list[str]:
        """All spellings, for completion."""
        return [flag for entry in self.entries for flag in _spellings(entry)] + ["--help"]

    def choices(self, flag: str) -> list[str]:
        """Known values of a flag, for completion."""
        entry = next((entry for entry in self.entries if flag in entry.flags), None)
        return list(INSTANCE_TYPES) if entry and entry.field == "instance" else []

    def help(self) -> str:
        return f"{self.parser.format_help().rstrip()}\n\nexample:\n{_indent(self.example)}\n"

    def parse(self, line: str, namespace: Mapping[str, Any]) -> Model:
        """Read a magic's line.

        Raises Invalid that names the option, the value and the remedy, and HelpWanted for `-h`.
        """
        tokens = tokenize(line, namespace)
        if any(token in ("-h", "--help") for token in tokens):
            raise HelpWanted(self.help())
        found, rest = self.parser.parse_known_args(tokens)
        if rest:
            self._refuse(rest[0])
        return self.build({name: value for name, value in vars(found).items() if value is not None})

    def build(self, values: Mapping[str, Any]) -> Model:
        """Validate raw values by field name. Raises Invalid in the magic's own spelling."""
        ready: dict[str, Any] = {}
        for entry in self.entries:
            if entry.field in values:
                ready[entry.field] = self._convert(entry, values[entry.field])
        try:
            return self.model.model_validate(ready)
        except ValidationError as error:
            raise self._complaint(error) from None

    def _convert(self, entry: Option, raw: Any) -> Any:
        if entry.kind == "pairs":
            return dict(pair for token in raw for pair in self._pairs(entry, token))
        if entry.kind == "environment":
            return dict(self._environment(entry, token) for token in raw)
        if entry.kind == "list":
            return [name for token in raw for name in _listed(token)]
        return raw.value if isinstance(raw, Token) else raw

    def _pairs(self, entry: Option, token: Token) -> list[tuple[str, Any]]:
        if isinstance(token.value, dict):
            return [(str(key), _plain(str(key), value, entry)) for key, value in token.value.items()]
        return [self._pair(entry, token)]

    def _pair(self, entry: Option, token: Token) -> tuple[str, Any]:
        if isinstance(token.value, tuple):
            key, value = token.value
            return key, _plain(key, value, entry)
        key, equals, text = str(token).partition("=")
        if not equals or not key:
            raise Invalid(
                f"{entry.shown} {token}: a parameter is written KEY=VALUE.",
                field=entry.shown,
                value=token,
                remedy=f"For example: {entry.flags[0]} max_depth=6",
            )
        try:
            return key, json.loads(text)
        except ValueError:
            return key, {"True": True, "False": False, "None": None}.get(text, text)

    def _environment(self, entry: Option, token: Token) -> tuple[str, str]:
        name, equals, value = str(token).partition("=")
        if equals:
            return name, value
        if name not in os.environ:
            raise Invalid(
                f"{entry.shown} {name}: this kernel has no environment variable of that name.",
                field=entry.shown,
                value=name,
                remedy=f"Set it first (`%env {name}=…`), or leave the option out.",
            )
        return name, os.environ[name]

    def _parser(self) -> argparse.ArgumentParser:
        parser = _Parser(
            self,
            prog=self.prog,
            description=self.summary,
            add_help=False,
            allow_abbrev=False,
            formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=30, width=100),
        )
        for entry in self.entries:
            keywords: dict[str, Any] = {"help": entry.help.replace("%", "%%"), "default": None}
            names: Sequence[str] = entry.flags
            match entry.kind:
                case "switch":
                    keywords |= {"action": "store_const", "const": True, "dest": entry.field}
                case "choice":
                    keywords |= {"action": argparse.BooleanOptionalAction, "dest": entry.field}
                case "list" | "pairs" | "environment":
                    keywords |= {"action": "append", "metavar": entry.metavar, "dest": entry.field}
                case _ if entry.positional:
                    keywords |= {"nargs": None if entry.required else "?", "metavar": entry.metavar}
                    names = (entry.field,)
                case _:
                    keywords |= {"metavar": entry.metavar, "dest": entry.field}
            parser.add_argument(*names, **keywords)
        parser.add_argument("-h", "--help", action="store_const", const=True, default=None, help="Show this text.")
        return parser

    def _refuse(self, token: str) -> NoReturn:
        """An option or a word that the magic does not know."""
        if token.startswith("-"):
            near = difflib.get_close_matches(token, self.flags, n=1, cutoff=0.5)
            remedy = f"Did you mean {near[0]}?" if near else f"`{self.prog} --help` lists the options."
            raise Invalid(f"{self.prog} has no option {token}.", field=token, value=token, remedy=remedy)
        raise Invalid(
            f"{self.prog} does not know what to do with {token!r}.",
            field="options",
            value=token,
            remedy=f"Quote a value that contains spaces; `{self.prog} --help` lists the options.",
        )

    def _complaint(self, error: ValidationError) -> Invalid:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        entry = next((entry for entry in self.entries if entry.field == name), None)
        shown = entry.shown if entry else name or self.prog
        if first["type"] == "missing":
            return Invalid(f"{self.prog} needs {shown}.", field=shown, remedy=f"For example: {self.example.splitlines()[0]}")
        message = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
        if message != first["msg"] and not str(first["msg"]).startswith("Value error"):
            message = f"it should be {message}"
        return Invalid(
            f"{shown} {first.get('input')!r}: {message.rstrip('.')}.",
            field=shown,
            value=first.get("input"),
            remedy=entry.help if entry and entry.help else None,
        )


class _Parser(argparse.ArgumentParser):
    """argparse that raises our own error instead of leaving the process."""

    def __init__(self, options: Options[Any], **keywords: Any) -> None:
        super().__init__(**keywords)
        self._options = options

    def error(self, message: str) -> NoReturn:
        prefix, _, rest = message.partition(": ")
        name = max(prefix.removeprefix("argument ").split("/"), key=len)
        if prefix.startswith("argument "):
            raise Invalid(
                f"{name}: {rest}.",
                field=name,
                remedy=f"`{self.prog} --help` shows what it takes; a value that begins with '-' is written {name}=VALUE.",
            )
        raise Invalid(
            f"{self.prog}: {message}.",
            field="options",
            remedy=f"For example: {self._options.example.splitlines()[0]}",
        )


def _option(name: str, info: FieldInfo) -> Option | None:
    extra = info.json_schema_extra
    if not isinstance(extra, dict):
        return None
    raw_flags = extra.get("flags") or ()
    flags = tuple(str(flag) for flag in typing.cast("Iterable[Any]", raw_flags))
    positional = bool(extra.get("positional"))
    if not flags and not positional:
        return None
    metavar = str(extra.get("metavar") or name.upper())
    return Option(
        field=name,
        flags=flags,
        metavar=metavar,
        kind=_kind(info.annotation, name),
        positional=positional,
        help=info.description or "",
        required=info.is_required(),
    )


def _kind(annotation: Any, name: str) -> str:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        if bool in typing.get_args(annotation):
            return "choice"
        return "one"
    if annotation is bool:
        return "switch"
    if origin is list:
        return "list"
    if origin is dict:
        return "environment" if name == "env" else "pairs"
    return "one"


def _spellings(entry: Option) -> list[str]:
    spelled = list(entry.flags)
    if entry.kind == "choice":
        spelled += [f"--no-{flag[2:]}" for flag in entry.flags if flag.startswith("--")]
    return spelled


def _listed(token: Token) -> list[Any]:
    """`-o a -o b`, `-o a,b` and `-o {names}` mean the same."""
    if isinstance(token.value, (list, tuple)):
        return list(token.value)
    return [part for part in str(token).split(",") if part]


def _plain(key: str, value: Any, entry: Option) -> Any:
    """A notebook value as JSON: numpy scalars and arrays by `tolist`. Raises Invalid for what JSON cannot hold."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        raise Invalid(
            f"{entry.shown} {key}=…: a value of type {type(value).__name__} is not a parameter.",
            field=entry.shown,
            value=key,
            remedy=f"Parameters are JSON values. Leave it out and let the cell read {key} itself: it travels as a capture.",
        ) from None


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
