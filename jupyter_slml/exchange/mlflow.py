"""MLflow's model directory, written and read without MLflow (`libraries.md` 3.2)."""

from __future__ import annotations

import json
import platform
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_slml.domain import formats
from jupyter_slml.domain.views import VersionView
from jupyter_slml.errors import Invalid
from jupyter_slml.exchange import files

MLMODEL = "MLmodel"

#: The format of the directory that is written: what MLflow of that version writes.
WRITTEN = "2.14.0"
_MOST = 2**20

#: What a flavor needs to run, by format.
_PACKAGES = {
    formats.XGBOOST.key: ("xgboost", "scikit-learn", "numpy", "pandas"),
    formats.LIGHTGBM.key: ("lightgbm", "scikit-learn", "numpy", "pandas"),
    formats.SKOPS.key: ("scikit-learn", "skops", "numpy", "pandas"),
    formats.ONNX.key: ("onnx", "onnxruntime", "numpy", "pandas"),
    formats.CLOUDPICKLE.key: ("cloudpickle", "scikit-learn", "numpy", "pandas"),
}
_NAMES = {
    formats.XGBOOST.key: "model.ubj",
    formats.LIGHTGBM.key: "model.lgb",
    formats.SKOPS.key: "model.skops",
    formats.ONNX.key: "model.onnx",
    formats.CLOUDPICKLE.key: "model.pkl",
}


def write(version: VersionView, artifact: Path, target: Path) -> None:
    """Fill the empty directory `target`. Raises Invalid for a format that no flavor reads."""
    key = version.format
    if key not in _NAMES:
        raise Invalid(
            f"{version.reference} is stored as {key}, for which MLflow has no loader.",
            field="--to",
            value="mlflow",
            remedy="Export it as dir.",
        )
    name = _NAMES[key]
    shutil.copyfile(artifact, target / name)
    versions = {package: _version(version.environment, package) for package in _PACKAGES[key]}
    pins = [f"{package}=={number}" for package, number in versions.items() if number]
    python = version.environment.get("python", platform.python_version())
    flavor, function = _flavors(version, name, versions)
    function |= {"python_version": python, "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}}
    document: dict[str, Any] = {
        "artifact_path": "model",
        "flavors": {**flavor, "python_function": function},
        "mlflow_version": WRITTEN,
        "model_uuid": uuid.uuid4().hex,
        "utc_time_created": time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime(version.created_at)),
        "metadata": {"slml": version.reference, "sha256": version.digest},
    }
    described = _schema(version.signature or {})
    if described is not None:
        document["signature"] = {"inputs": json.dumps(described), "outputs": None, "params": None}
    pip = ["mlflow", *pins]
    conda = {
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": pip}],
        "name": "mlflow-env",
    }
    environment = {
        "python": python,
        "build_dependencies": ["pip", "setuptools", "wheel"],
        "dependencies": ["-r requirements.txt"],
    }
    for place, value in ((MLMODEL, document), ("conda.yaml", conda), ("python_env.yaml", environment)):
        (target / place).write_text(_yaml(value))
    (target / "requirements.txt").write_text("".join(f"{line}\n" for line in pip))


def _yaml(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False, default_flow_style=False))


def _version(environment: Mapping[str, str], package: str) -> str | None:
    if package in environment:
        return environment[package]
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _flavors(version: VersionView, name: str, versions: Mapping[str, str | None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The library's own flavor, and what `python_function` needs to find it."""
    key = version.format
    if key == formats.XGBOOST.key:
        kind = version.type.rpartition(".")[2]
        own = "xgboost.core.Booster" if kind == "Booster" else f"xgboost.sklearn.{kind}"
        flavor: dict[str, Any] = {
            "xgb_version": versions["xgboost"],
            "data": name,
            "model_class": own,
            "model_format": "ubj",
            "code": None,
        }
        return {"xgboost": flavor}, {"loader_module": "mlflow.xgboost", "data": name}
    if key == formats.LIGHTGBM.key:
        flavor = {"lgb_version": versions["lightgbm"], "data": name, "model_class": "lightgbm.basic.Booster", "code": None}
        return {"lightgbm": flavor}, {"loader_module": "mlflow.lightgbm", "data": name}
    if key == formats.ONNX.key:
        flavor = {"onnx_version": versions["onnx"], "data": name, "providers": ["CPUExecutionProvider"], "code": None}
        return {"onnx": flavor}, {"loader_module": "mlflow.onnx", "data": name}
    pickled = key in formats.PICKLE_FORMATS
    flavor = {
        "sklearn_version": versions["scikit-learn"],
        "pickled_model": name,
        "serialization_format": "cloudpickle" if pickled else "skops",
        "code": None,
    }
    if not pickled:
        flavor["skops_trusted_types"] = list(formats.SKOPS_TYPES)
    return {"sklearn": flavor}, {"loader_module": "mlflow.sklearn", "model_path": name, "predict_fn": "predict"}


def _schema(described: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Columns by name. None without names: of a matrix MLflow would take one precision alone."""
    inputs = {item["name"]: item["dtype"] for item in described.get("inputs") or []}
    names = described.get("columns")
    if names and all(name in inputs for name in names):
        kinds = [_kind(inputs[name]) for name in names]
        if None not in kinds:
            return [{"name": name, "type": kind, "required": True} for name, kind in zip(names, kinds, strict=True)]
    return None


def _kind(dtype: str) -> str | None:
    if dtype.startswith(("int", "uint")):
        return "long"
    if dtype.startswith("float"):
        # Of single precision too: MLflow would refuse a double where it asks for a float.
        return "double"
    return {"bool": "boolean", "string": "string", "datetime": "datetime"}.get(dtype)


@dataclass(frozen=True)
class Found:
    """A model file in an MLflow directory."""

    path: Path
    kind: str
    #: Class of xgboost's scikit-learn face.
    estimator: str | None = None
    columns: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def read(folder: Path) -> Found:
    """Find the model of a directory without loading it. Raises Invalid when it is none that is known."""
    document = _document(folder)
    flavors = document.get("flavors")
    flavors = flavors if isinstance(flavors, dict) else {}
    columns = _columns(document)
    run = document.get("run_id")
    tags = {"mlflow.run_id": run} if isinstance(run, str) else {}
    python = _text(flavors.get("python_function"), "python_version")
    environment = {"python": python} if python else {}
    for flavor, kind, keys, package, said in (
        ("xgboost", files.XGBOOST, ("data",), "xgboost", "xgb_version"),
        ("lightgbm", files.LIGHTGBM, ("data",), "lightgbm", "lgb_version"),
        ("onnx", files.ONNX, ("data",), "onnx", "onnx_version"),
        ("sklearn", files.PICKLE, ("pickled_model", "data", "model_path"), "scikit-learn", "sklearn_version"),
    ):
        about = flavors.get(flavor)
        if not isinstance(about, dict):
            continue
        place = next((text for key in keys if (text := _text(about, key))), None)
        path = _inside(folder, place)
        number = _text(about, said)
        if flavor == "sklearn" and about.get("serialization_format") == "skops":
            kind = files.SKOPS
        actual = files.kind(path)
        if actual != kind and not (kind == files.XGBOOST and actual == files.LIGHTGBM):
            raise _strange(folder, f"its {flavor} model {path.name!r} is a {actual} file")
        estimator = (_text(about, "model_class") or "").rpartition(".")[2] or None
        return Found(
            path,
            actual,
            None if estimator == "Booster" or flavor != "xgboost" else estimator,
            columns,
            environment | ({package: number} if number else {}),
            tags,
        )
    names = ", ".join(str(name) for name in flavors) or "none"
    raise _strange(folder, f"of its flavors ({names}) none is xgboost, sklearn, lightgbm or onnx")


def _document(folder: Path) -> dict[str, Any]:
    import yaml

    path = folder / MLMODEL
    if path.is_symlink() or path.stat().st_size > _MOST:
        raise _strange(folder, f"{MLMODEL} is a link or too large")
    try:
        # Aliases multiply what they stand for; nobody needs them here.
        text = path.read_text(encoding="utf-8")
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise _strange(folder, f"{MLMODEL} has aliases")
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _strange(folder, f"{MLMODEL} is no YAML: {str(error).splitlines()[0][:200]}") from error
    if not isinstance(found, dict):
        raise _strange(folder, f"{MLMODEL} says nothing of a model")
    return found


def _columns(document: Mapping[str, Any]) -> list[str]:
    described = document.get("signature")
    try:
        found = json.loads(described["inputs"]) if isinstance(described, dict) else []
        return [str(item["name"]) for item in found]
    except (ValueError, KeyError, TypeError):
        return []


def _text(about: object, key: str) -> str | None:
    value = about.get(key) if isinstance(about, dict) else None
    return value if isinstance(value, str) and value else None


def _inside(folder: Path, place: str | None) -> Path:
    """The file that the description names, which must lie in the directory itself."""
    path = folder / (place or "")
    if place is None or not path.resolve().is_relative_to(folder.resolve()):
        raise _strange(folder, f"its file {place!r} lies outside of the directory")
    # xgboost and lightgbm were once kept in a directory of their own.
    if not path.is_file():
        raise _strange(folder, f"its file {place!r} is not there")
    return path


def _strange(folder: Path, why: str) -> Invalid:
    return Invalid(
        f"{folder.name!r} is no MLflow model that can be imported: {why}.",
        field="path",
        value=folder.name,
        remedy="Import the model's file itself, or a directory that MLflow has saved with one of these flavors.",
    )
