"""The program of the child: reads one file, says what it is, and writes it in one of our formats (or as ONNX).

One order as JSON on stdin, one answer as JSON on stdout. The order's `op` is `read` (a model comes in) or `convert` (a model
goes out as ONNX).
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

from jupyter_slml.domain import formats
from jupyter_slml.domain.signatures import signature
from jupyter_slml.errors import Invalid, SlmlError
from jupyter_slml.exchange import files

#: Address space beyond a multiple of the file's size.
_SPACE = 16 * 2**30


def read(order: dict[str, Any]) -> dict[str, Any]:
    """Load the file of an order and write it to `out`. Returns `{format, type, signature, environment}`."""
    path, kind, out = Path(order["path"]), order["kind"], Path(order["out"])
    # What is looked at is what is stored, whoever changes the file meanwhile.
    given = out.with_name("given")
    shutil.copyfile(path, given)
    model = _load(given, kind, order)
    described = signature(model)
    if described is None:
        raise Invalid(
            f"{path.name!r} holds a {formats.type_name(model)}, which cannot predict.",
            field="path",
            value=path.name,
            remedy="Import a model: something with predict().",
        )
    if _is_ours(given, kind, order):
        key = _KEYS[kind]
        given.rename(out)
    else:
        key = _store(model, out, bool(order.get("allow_pickle")))
    return {"format": key, "type": formats.type_name(model), "signature": described, "environment": _environment(model)}


_KEYS = {
    files.XGBOOST: formats.XGBOOST.key,
    files.LIGHTGBM: formats.LIGHTGBM.key,
    files.SKOPS: formats.SKOPS.key,
    files.ONNX: formats.ONNX.key,
}


def _is_ours(path: Path, kind: str, order: dict[str, Any]) -> bool:
    """Whether the bytes are stored as they are: then they keep their digest."""
    if kind != files.XGBOOST:
        return kind in _KEYS
    with path.open("rb") as file:
        # UBJ, and not JSON; and no face that its file knows nothing of.
        return file.read(2) == b"{L" and not order.get("estimator")


def _load(path: Path, kind: str, order: dict[str, Any]) -> Any:
    match kind:
        case files.XGBOOST:
            return _xgboost(path, order.get("estimator"))
        case files.LIGHTGBM:
            return formats.LIGHTGBM.read(path)
        case files.SKOPS:
            return formats.SKOPS.read(path)
        case files.ONNX:
            model = formats.ONNX.read(path)
            # Only what runs is registered.
            from jupyter_slml.domain.formats.optional import required

            required("onnxruntime", "an ONNX model").InferenceSession(
                model.SerializeToString(), providers=["CPUExecutionProvider"]
            )
            return model
        case files.PICKLE if order.get("allow_pickle"):
            import joblib

            return joblib.load(path)
    raise Invalid(f"A {kind} is not read here.", field="path", value=path.name)


def _xgboost(path: Path, estimator: str | None) -> Any:
    import xgboost

    # The library looks at the end of the name to know what it reads; the bytes of both kinds begin with a brace.
    data = path.read_bytes()
    booster = xgboost.Booster()
    booster.load_model(bytearray(data))
    name = estimator or booster.attr("slml_estimator")
    kind = getattr(xgboost, name, None) if name else None
    if isinstance(kind, type) and issubclass(kind, xgboost.XGBModel):
        model = kind()
        model.load_model(bytearray(data))
        return model
    return booster


def _store(model: Any, out: Path, allow_pickle: bool) -> str:
    chosen = formats.choose(model, formats.OUTPUT_FORMATS)
    if chosen is not formats.CLOUDPICKLE:
        try:
            with out.open("wb") as file:
                chosen.write(model, file)
            if chosen.safe:
                chosen.read(out)
            return chosen.key
        except Exception:
            if not allow_pickle:
                raise
    with out.open("wb") as file:
        formats.CLOUDPICKLE.write(model, file)
    return formats.CLOUDPICKLE.key


def _environment(model: Any) -> dict[str, str]:
    import platform

    name = type(model).__module__.partition(".")[0]
    found = {"python": platform.python_version()}
    version = getattr(sys.modules.get(name), "__version__", None)
    return found | {name: version} if isinstance(version, str) else found


def main() -> None:
    # What libraries print must not come between the words of the answer.
    answers = os.dup(1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    order = json.loads(sys.stdin.buffer.read())
    size = Path(order["path"]).stat().st_size
    _bound(resource.RLIMIT_AS, _SPACE + 20 * size)
    _bound(resource.RLIMIT_FSIZE, 2**30 + 20 * size)
    _bound(resource.RLIMIT_CORE, 0)
    try:
        if order["op"] == "convert":
            from jupyter_slml.exchange.conversion import convert

            answer = convert(order)
        else:
            answer = read(order)
    except SlmlError as error:
        answer = error.to_wire()
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0][:300]
        answer = Invalid(
            f"{Path(order['path']).name!r} cannot be read as {order['kind']}: {type(error).__name__}: {first}",
            field="path",
            value=Path(order["path"]).name,
            remedy="Check that it is whole, and that it was made with versions of the library like those installed here.",
        ).to_wire()
    with os.fdopen(answers, "wb") as file:
        file.write(json.dumps(answer).encode())


def _bound(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
