"""KServe: an InferenceService manifest, and the model in the directory layout of its runtime (protocol V2)."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from jupyter_slml.domain import formats
from jupyter_slml.domain.views import VersionView
from jupyter_slml.errors import Invalid
from jupyter_slml.exchange import mlflow

MANIFEST = "inferenceservice.yaml"
MODEL = "model"

#: Stands in the manifest until somebody says where the model lies.
NOWHERE = "s3://BUCKET/PATH"

_PACKAGES = {"xgboost": "mlserver_xgboost.XGBoostModel", "lightgbm": "mlserver_lightgbm.LightGBMModel"}


def write(version: VersionView, artifact: Path, target: Path, uri: str | None = None) -> None:
    """Fill the empty directory `target`. `uri` is where `model/` will lie. Raises Invalid for a format without a runtime."""
    key = version.format
    folder = target / MODEL
    folder.mkdir()
    name = service_name(version.model)
    if key == formats.XGBOOST.key:
        kind, file = "xgboost", "model.ubj"
    elif key == formats.LIGHTGBM.key:
        kind, file = "lightgbm", "model.bst"
    elif key == formats.ONNX.key:
        kind, file = "onnx", f"{name}/1/model.onnx"
    elif key == formats.SKOPS.key:
        kind, file = "mlflow", ""
        mlflow.write(version, artifact, folder)
    else:
        raise Invalid(
            f"{version.reference} is stored as {key}, for which KServe has no runtime.",
            field="--to",
            value="kserve",
            remedy="Export it as onnx or dir.",
        )
    if file:
        place = folder / file
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artifact, place)
    if kind in _PACKAGES:
        settings = {
            "name": name,
            "implementation": _PACKAGES[kind],
            "parameters": {"uri": f"./{file}", "version": str(version.number)},
        }
        (folder / "model-settings.json").write_text(json.dumps(settings, indent=2))
    (target / MANIFEST).write_text(_yaml(_manifest(version, name, kind, uri or NOWHERE)))


def _manifest(version: VersionView, name: str, kind: str, uri: str) -> dict[str, Any]:
    model: dict[str, Any] = {"modelFormat": {"name": kind}, "protocolVersion": "v2", "storageUri": uri}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": name,
            "annotations": {"slml/version": version.reference, "slml/sha256": version.digest},
        },
        "spec": {"predictor": {"model": model}},
    }


def _yaml(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, sort_keys=False))


def service_name(model: str) -> str:
    """A name as Kubernetes takes it: lower case, digits and hyphens, beginning with a letter, at most 40 characters."""
    word = re.sub(r"[^a-z0-9]+", "-", model.lower().encode("ascii", "replace").decode()).strip("-")
    word = word if word[:1].isalpha() else f"model-{word}"
    return word[:40].strip("-")
