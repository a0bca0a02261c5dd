"""`--input NAME=URI`: what the URI means here, said so that a worker understands it."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jupyter_slml.errors import Invalid

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PATTERN = re.compile(r"[*?\[]")


def resolve_inputs(inputs: Mapping[str, str], directory: Path) -> dict[str, str]:
    """The inputs with local paths made absolute (relative ones count from `directory`).

    Raises Invalid naming the channel and the path for a local one that is not there, and for a scheme that nobody knows.
    """
    return {name: _resolve(name, uri.strip(), directory) for name, uri in inputs.items()}


def _resolve(name: str, uri: str, directory: Path) -> str:
    if "::" in uri:
        return uri
    scheme = _SCHEME.match(uri)
    if scheme is None:
        path = directory / Path(uri).expanduser()
        _check_local(name, uri, path)
        # Not resolved: a link may point somewhere else by the time the job runs. A trailing slash stays: it means a folder.
        return os.path.normpath(path) + ("/" if uri.endswith("/") else "")
    word = scheme[1].lower()
    if word in ("file", "local"):
        rest = urlsplit(uri)
        _check_local(name, uri, Path(unquote(rest.path)))
        return uri
    _check_scheme(name, uri, word)
    return uri


def _check_local(name: str, uri: str, path: Path) -> None:
    found = None
    if _PATTERN.search(str(path)) and not path.exists():
        found = glob.glob(str(path), recursive=True)  # noqa: PTH207 — an absolute pattern
    if found or (found is None and path.exists()):
        return
    what = "no file matches" if found is not None else "there is no file or folder"
    near = _near(path) if found is None else None
    raise Invalid(
        f"--input {name}={uri}: {what} {path}.",
        field=f"--input {name}",
        value=uri,
        remedy=f"Did you mean {near}?"
        if near
        else "Relative paths count from the kernel's working directory "
        f"({Path.cwd()}); a store is named by its URI (s3://bucket/key).",
    )


def _near(path: Path) -> str | None:
    try:
        names = [item.name for item in path.parent.iterdir()]
    except OSError:
        return None
    found = difflib.get_close_matches(path.name, names, n=1, cutoff=0.7)
    return str(path.with_name(found[0])) if found else None


def _check_scheme(name: str, uri: str, scheme: str) -> None:
    import fsspec

    if scheme in fsspec.available_protocols():
        return
    near = difflib.get_close_matches(scheme, fsspec.available_protocols(), n=1, cutoff=0.5)
    raise Invalid(
        f"--input {name}={uri}: nothing here reads {scheme}:// addresses.",
        field=f"--input {name}",
        value=uri,
        remedy=f"Did you mean {near[0]}://?" if near else "Use a local path, file://, s3://, gs://, az:// or https://.",
    )
