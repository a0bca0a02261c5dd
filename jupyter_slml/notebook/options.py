"""A magic's options, made from a pydantic model: parser, help and completion.

A field takes part when its `json_schema_extra` has `flags` (how the magic spells it) or `positional`. `dict` fields take
`KEY=VALUE`, `list` fields may be repeated (with `many`, one flag takes several words), `bool` fields are switches (`--x` /
`--no-x` when they are on by default or unset means something else), `Literal` fields offer their words for completion.
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

from jupyter_slml.errors import Invalid
from jupyter_slml.notebook.words import Token, tokenize

Model = TypeVar("Model", bound=BaseModel)


class HelpWanted(Exception):
    """The line asks for `-h`: the caller shows the text and returns."""


@dataclass(frozen=True)
class Option:
    """One field as the magic spells it."""

    field: str
    flags: tuple[str, ...]
    metavar: str
    #: "switch", "choice" (a switch with its opposite), "list", "words" (a list, many by one flag), "pairs" (JSON values),
    #: "texts" (pairs of texts), "environment" or "one".
    kind: str
    positional: bool
    help: str
    required: bool
    choices: tuple[str, ...] = ()
    #: A list's word is one item, commas and all.
    whole: bool = False

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

    def entry(self, word: str) -> Option | None:
        """The option that is spelled `word`, or whose field has that name."""
        return next((entry for entry in self.entries if word in entry.flags or word == entry.field), None)

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
        match entry.kind:
            case "pairs" | "texts":
                return _once(entry, [pair for token in raw for pair in self._pairs(entry, token)])
            case "environment":
                return _once(entry, [self._environment(entry, token) for token in raw])
            case "list":
                return [name for token in raw for name in (_several(token) if entry.whole else _listed(token))]
            case "words":
                # Not split at commas: these are paths.
                return [word for token in _flat(raw) for word in _several(token)]
        return raw.value if isinstance(raw, Token) else raw

    def _pairs(self, entry: Option, token: Token) -> list[tuple[str, Any]]:
        read = _text if entry.kind == "texts" else _plain
        if isinstance(token.value, dict):
            return [(str(key), read(str(key), value, entry)) for key, value in token.value.items()]
        if isinstance(token.value, tuple) and len(token.value) == 2:
            key, value = token.value
            return [(str(key), read(str(key), value, entry))]
        return [self._pair(entry, token)]

    def _pair(self, entry: Option, token: Token) -> tuple[str, Any]:
        key, equals, text = str(token).partition("=")
        if not equals or not key:
            example = {"texts": f"{entry.flags[0]} {entry.metavar}"}.get(entry.kind, f"{entry.flags[0]} max_depth=6")
            raise Invalid(
                f"{entry.shown} {_cut(token, 80)}: it is written {entry.metavar}.",
                field=entry.shown,
                value=token,
                remedy=f"For example: {example}",
            )
        if entry.kind == "texts":
            return key, text
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
                case "words" if entry.positional:
                    keywords |= {"nargs": "*", "metavar": entry.metavar}
                    names = (entry.field,)
                case "words":
                    keywords |= {"action": "append", "nargs": "+", "metavar": entry.metavar, "dest": entry.field}
                case "list" | "pairs" | "texts" | "environment":
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
        entry = self.entry(name)
        shown = entry.shown if entry else name or self.prog
        if first["type"] == "missing":
            return Invalid(f"{self.prog} needs {shown}.", field=shown, remedy=f"For example: {self.example.splitlines()[0]}")
        message = str(first["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
        if message != first["msg"] and not str(first["msg"]).startswith("Value error"):
            message = f"it should be {message}"
        given = first.get("input")
        # What a dict or a list has wrong, its own message names.
        words = "" if isinstance(given, (dict, list)) else f" {_short(given)}"
        return Invalid(
            f"{shown}{words}: {_cut(message.rstrip('.'), 400)}.",
            field=shown,
            value=_cut(str(given), 200),
            remedy=entry.help if entry and entry.help else None,
        )


class _Parser(argparse.ArgumentParser):
    """argparse that raises our own error instead of leaving the process."""

    def __init__(self, options: Options[Any], **keywords: Any) -> None:
        super().__init__(**keywords)
        self._options = options

    def error(self, message: str) -> NoReturn:
        prefix, _, rest = message.partition(": ")
        example = self._options.example.splitlines()[0]
        if prefix == "the following arguments are required":
            raise Invalid(f"{self.prog} needs {rest}.", field=rest, remedy=f"For example: {example}")
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
            remedy=f"For example: {example}",
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
        kind="words" if extra.get("many") else _kind(info, name),
        positional=positional,
        help=info.description or "",
        required=info.is_required(),
        choices=_choices(info.annotation, extra),
        whole=bool(extra.get("whole")),
    )


def _choices(annotation: Any, extra: Mapping[str, Any]) -> tuple[str, ...]:
    if typing.get_origin(annotation) is typing.Literal:
        return tuple(str(word) for word in typing.get_args(annotation))
    return tuple(str(word) for word in extra.get("choices") or ())


def _kind(info: FieldInfo, name: str) -> str:
    annotation = info.annotation
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        if bool in typing.get_args(annotation):
            return "choice"
        return "one"
    if annotation is bool:
        return "choice" if info.default is True else "switch"
    if origin is list:
        return "list"
    if origin is dict and name == "env":
        return "environment"
    if origin is dict:
        return "texts" if typing.get_args(annotation)[1] is str else "pairs"
    return "one"


def _once(entry: Option, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs as a dict. Raises Invalid for a key that was given twice: nobody knows which one was meant."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise Invalid(
                f"{entry.shown} {_cut(key, 80)} was given twice.",
                field=entry.shown,
                value=key,
                remedy=f"Leave one of them out: {_short(made[key])} or {_short(value)}.",
            )
        made[key] = value
    return made


def _spellings(entry: Option) -> list[str]:
    spelled = list(entry.flags)
    if entry.kind == "choice":
        spelled += [f"--no-{flag[2:]}" for flag in entry.flags if flag.startswith("--")]
    return spelled


def _listed(token: Token) -> list[Any]:
    """`-o a -o b`, `-o a,b` and `-o {names}` mean the same; an object stands for itself (`--after {job}`)."""
    if not isinstance(token.value, str):
        return _several(token)
    return [part for part in str(token).split(",") if part]


def _several(token: Token) -> list[Any]:
    return list(token.value) if isinstance(token.value, (list, tuple)) else [token.value]


def _flat(raw: Sequence[Any]) -> list[Token]:
    return [token for part in raw for token in (part if isinstance(part, list) else [part])]


def _short(value: object) -> str:
    """A value as a message shows it: ten megabytes are no message."""
    return _cut(repr(value), 80)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _text(key: str, value: Any, entry: Option) -> str:
    """A notebook value as text: a string or a path. Raises Invalid for anything else."""
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    raise Invalid(
        f"{entry.shown} {key}=…: a value of type {type(value).__name__} is no text.",
        field=entry.shown,
        value=key,
        remedy=f"It is written {entry.shown} {entry.metavar}.",
    )


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
