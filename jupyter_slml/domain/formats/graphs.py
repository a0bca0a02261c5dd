"""ONNX: a model as a graph of standard operations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.formats.format import Format
from jupyter_slml.domain.formats.optional import required
from jupyter_slml.errors import Invalid


def _is_onnx(value: object) -> bool:
    core = sys.modules.get("onnx")
    return core is not None and isinstance(value, core.ModelProto)


def _write_onnx(value: Any, file: BinaryIO) -> None:
    check_self_contained(value)
    file.write(value.SerializeToString())


def _read_onnx(path: Path) -> Any:
    onnx = required("onnx", "reading an ONNX model")
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise Invalid(f"The file is no ONNX model: {str(error)[:200]}.", field="format", value="onnx") from error
    check_self_contained(model)
    return model


def check_self_contained(model: Any) -> None:
    """Raise Invalid for a model that keeps tensors in other files: these would be read from wherever it says."""
    onnx = required("onnx", "checking an ONNX model")
    from google.protobuf.message import Message

    # Tensors stand in graphs, in graphs inside of their nodes, and in functions.
    todo: list[Any] = [model]
    while todo:
        message = todo.pop()
        if isinstance(message, onnx.TensorProto):
            if message.data_location == onnx.TensorProto.EXTERNAL or len(message.external_data):
                raise Invalid(
                    f"The ONNX model keeps the tensor {message.name[:80]!r} in another file.",
                    field="format",
                    value="onnx",
                    remedy="Save it in one file: onnx.save(onnx.load(path), new_path, save_as_external_data=False).",
                )
            continue
        for field, found in message.ListFields():
            if field.message_type is not None:
                todo += [found] if isinstance(found, Message) else list(found)


ONNX = Format("onnx", True, _is_onnx, _write_onnx, _read_onnx)
