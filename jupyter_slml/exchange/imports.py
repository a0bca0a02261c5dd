"""From a path to a `Package`: an MLflow directory, a directory with handlers or of our own, a model's file, an archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyter_slml.domain import archives, formats
from jupyter_slml.domain.formats import handlers
from jupyter_slml.errors import Invalid, NotFound, SlmlError
from jupyter_slml.exchange import child, files, folder, mlflow
from jupyter_slml.exchange.packages import Package

#: What a SageMaker archive calls a model that has no name of its own.
_SAGEMAKER = ("xgboost-model",)
#: Files in a directory that are no models, whatever their end says.
_BESIDE = frozenset({"requirements.txt", "readme.txt", "license.txt", "conda.yaml", "python_env.yaml"})


def read(path: Path, work: Path, *, allow_pickle: bool = False) -> Package:
    """What is at `path`, in one of our formats. `work` is an empty directory of the caller's, where the package's bytes
    lie afterwards.

    Raises NotFound, Invalid for what is no model or must not be read, MissingDependency.
    """
    if not path.exists():
        raise NotFound(f"There is no file or directory {str(path)!r}.", field="path", value=str(path))
    work.chmod(0o700)
    return _Reading(path, work, allow_pickle).read()


class _Reading:
    def __init__(self, path: Path, work: Path, allow_pickle: bool) -> None:
        self._given = path
        self._work = work
        self._allow_pickle = allow_pickle

    def read(self) -> Package:
        return self._directory(self._given) if self._given.is_dir() else self._file(self._given)

    def _directory(self, path: Path) -> Package:
        if (path / mlflow.MLMODEL).is_file():
            return self._mlflow(path)
        if (path / folder.RECORD).is_file():
            return self._own(path)
        if handlers.program(path) is not None:
            return self._handlers(path)
        models = _models(path)
        if len(models) == 1:
            return self._file(models[0])
        raise Invalid(
            f"{self._given.name!r} holds no model that is known."
            if not models
            else f"{self._given.name!r} holds several models: {', '.join(item.name for item in models)}.",
            field="path",
            value=self._given.name,
            remedy=f"Looked for: MLmodel, {', '.join(handlers.PROGRAMS)}, and one file of {files.KNOWN}.",
        )

    def _file(self, path: Path) -> Package:
        kind = files.kind(path)
        if kind == files.ARCHIVE:
            if path != self._given:
                raise Invalid(f"{path.name!r} is an archive in an archive.", field="path", value=path.name)
            target = self._work / "unpacked"
            target.mkdir(mode=0o700)
            archives.unpack(path, target)
            return self._directory(target)
        if kind == files.SKOPS:
            self._check_zip(path)
        return self._load(path, kind)

    def _check_zip(self, path: Path) -> None:
        """Unpacked for its checks alone: skops reads a member whole, however large it becomes."""
        target = self._work / "members"
        target.mkdir(mode=0o700)
        archives.unpack(path, target)

    def _load(self, path: Path, kind: str, **more: Any) -> Package:
        if kind == files.PICKLE and not self._allow_pickle:
            raise Invalid(
                f"{path.name!r} is a pickle, which runs code when it is loaded.",
                field="--allow-pickle",
                value=path.name,
                remedy="If you trust who made it, pass --allow-pickle: it is loaded in a process of its own, and stored "
                "without pickle where that is possible.",
            )
        out = self._work / "model"
        order = {
            "op": "read",
            "path": str(path.resolve()),
            "kind": kind,
            "out": str(out),
            "allow_pickle": self._allow_pickle,
        }
        found = child.ask({**order, **more}, self._work)
        if not formats.is_model(found["format"], self._allow_pickle) or not out.is_file():
            raise Invalid(
                f"{path.name!r} holds a {found['type']}, which only a pickle can store.",
                field="--allow-pickle",
                value=path.name,
                remedy="If you trust who made it, pass --allow-pickle.",
            )
        source = self._given.name if path == self._given else f"{self._given.name}: {path.name}"
        return Package(out, found["format"], found["type"], found["signature"], source, found["environment"])

    def _mlflow(self, path: Path) -> Package:
        found = mlflow.read(path)
        if found.kind == files.SKOPS:
            self._check_zip(found.path)
        package = self._load(found.path, found.kind, estimator=found.estimator)
        described = dict(package.signature or {})
        if described.get("columns") is None and len(found.columns) == described.get("features"):
            described["columns"] = found.columns
        return Package(
            package.path,
            package.format,
            package.type,
            described,
            f"{self._given.name} (MLflow)",
            {**package.environment, **found.environment},
            tags=found.tags,
        )

    def _handlers(self, path: Path) -> Package:
        out = self._work / "model"
        with out.open("wb") as file:
            formats.HANDLERS.write(path, file)
        return Package(out, formats.HANDLERS.key, "handlers", None, self._given.name)

    def _own(self, path: Path) -> Package:
        record = folder.read(path)
        artifact = path / folder.ARTIFACT
        try:
            formats.verify(artifact, record.digest)
        except (SlmlError, OSError) as error:
            raise Invalid(
                f"The artifact in {self._given.name!r} is not the one that was exported: {error}",
                field="path",
                value=self._given.name,
                remedy="Export it again.",
            ) from error
        source = f"{self._given.name} (exported {record.model}@{record.number})"
        if record.format in (formats.HANDLERS.key, formats.TORCH.key):
            # Their code runs where they are served, and nowhere before.
            self._check_zip(artifact)
            package = Package(artifact, record.format, record.type, record.signature, source)
        else:
            kinds = {"xgboost-ubj": files.XGBOOST, "lightgbm": files.LIGHTGBM, "skops": files.SKOPS, "onnx": files.ONNX}
            kind = kinds.get(record.format, record.format)
            package = self._load(artifact, files.PICKLE if kind in formats.PICKLE_FORMATS else kind)
        baseline = path / folder.BASELINE
        return Package(
            package.path,
            package.format,
            package.type,
            # What the model says of itself wins; its ranges it does not know.
            {**(record.signature or {}), **package.signature} if package.signature else record.signature,
            source,
            record.environment,
            record.metrics,
            record.parameters,
            record.tags,
            record.description,
            baseline if baseline.is_file() and _is_json(baseline) else None,
        )


def _models(path: Path) -> list[Path]:
    """The files of a directory that are models."""
    found = []
    for item in sorted(path.iterdir()):
        if not item.is_file() or item.is_symlink() or item.name.lower() in _BESIDE or item.name.startswith("."):
            continue
        if item.suffix.lower() in files.SUFFIXES or item.name in _SAGEMAKER:
            try:
                files.kind(item)
            except Invalid:
                if item.suffix.lower() in (".txt", ".json"):
                    continue
                raise
            found.append(item)
    return found


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except ValueError:
        return False
