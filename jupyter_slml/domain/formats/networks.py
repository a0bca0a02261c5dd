"""torch: a module as its structure, its tensors, and the source of the classes that are not torch's.

A module is put together again attribute by attribute, as an unpickler would do it, but from data: `model.json` (the tree of
modules), `state.pt` (tensors, read with `weights_only`) and `code/` (Python source). Reading runs that source, and nothing
else. A module with attributes that are no data, or whose class has no source at hand, is refused with TypeError.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import io
import json
import linecache
import sys
import tempfile
import types
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.archives import unpack
from jupyter_slml.domain.formats.format import Format
from jupyter_slml.domain.formats.optional import required
from jupyter_slml.domain.formats.plain import is_json

_TUPLE = "__tuple__"
#: What a cell's code may hold beside its classes, to be run again without doing the cell's work.
_KEPT = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _is_torch(value: object) -> bool:
    nn = sys.modules.get("torch.nn")
    return nn is not None and isinstance(value, nn.Module)


def _write_torch(value: Any, file: BinaryIO) -> None:
    import torch

    code: dict[str, str] = {}
    tree = _describe(value, code)
    tensors = {
        name: tensor.detach().cpu()
        for found in (value.named_parameters(remove_duplicate=False), value.named_buffers(remove_duplicate=False))
        for name, tensor in found
    }
    state = io.BytesIO()
    torch.save(tensors, state)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model.json", json.dumps(tree))
        archive.writestr("state.pt", state.getvalue())
        for name, source in code.items():
            archive.writestr(f"code/{name}.py", source)


def _describe(module: Any, code: dict[str, str]) -> dict[str, Any]:
    """`{class, attributes, parameters, buffers, modules}` of a module and of those in it. Raises TypeError."""
    import torch

    own = set(torch.nn.Module().__dict__)
    if any(getattr(module, name) for name in own if name.endswith("_hooks") and name in module.__dict__):
        raise TypeError(f"a {type(module).__name__} with hooks, which are functions")
    attributes = {name: _plain(item) for name, item in module.__dict__.items() if name not in own}
    attributes["training"] = module.training
    return {
        "class": _address(type(module), code),
        "attributes": attributes,
        "parameters": {name: None if item is None else item.requires_grad for name, item in module._parameters.items()},
        "buffers": {name: None if item is None else True for name, item in module._buffers.items()},
        "transient": sorted(module._non_persistent_buffers_set),
        "modules": {name: None if item is None else _describe(item, code) for name, item in module._modules.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and type(value) is tuple:
        return {_TUPLE: [_plain(item) for item in value]}
    if not is_json(value) or (isinstance(value, dict) and _TUPLE in value):
        raise TypeError(f"a module with an attribute of type {type(value).__name__}, which is no plain data")
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {_TUPLE}:
        return tuple(_restored(item) for item in value[_TUPLE])
    return value


def _address(kind: type, code: dict[str, str]) -> str:
    """`module:Name`, with `code.` before the module when its source travels along."""
    if kind.__module__.partition(".")[0] == "torch":
        return f"{kind.__module__}:{kind.__qualname__}"
    if "<locals>" in kind.__qualname__:
        raise TypeError(f"the class {kind.__name__} is defined inside a function")
    name = kind.__module__.replace(".", "_").strip("_")
    code.setdefault(name, _source(kind))
    return f"code.{name}:{kind.__qualname__}"


def _source(kind: type) -> str:
    """The module that defines a class: a file's whole source, of a cell the imports, classes and functions."""
    module = sys.modules.get(kind.__module__)
    path = getattr(module, "__file__", None)
    if kind.__module__ != "__main__" and path and path.endswith(".py"):
        return Path(path).read_text(encoding="utf-8")
    names = {item.__code__.co_filename for item in vars(kind).values() if isinstance(item, types.FunctionType)}
    text = "".join(line for name in sorted(names) for line in linecache.getlines(name))
    tree = _parsed(text)
    if not any(isinstance(item, ast.ClassDef) and item.name == kind.__name__ for item in tree.body):
        raise TypeError(f"the source of the class {kind.__name__} is not at hand: define it in the cell, or in a .py file")
    constants = (ast.Constant, ast.Tuple, ast.List, ast.Dict)
    kept: list[ast.stmt] = [
        item
        for item in tree.body
        if isinstance(item, _KEPT) or (isinstance(item, ast.Assign) and isinstance(item.value, constants))
    ]
    return ast.unparse(ast.Module(kept, type_ignores=[]))


def _parsed(text: str) -> ast.Module:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(lines))
    except SyntaxError:
        return ast.Module([], type_ignores=[])


def _read_torch(path: Path) -> Any:
    torch = required("torch", "a torch model")
    with tempfile.TemporaryDirectory(prefix="slml-") as folder:
        unpack(path, Path(folder))
        tree = json.loads((Path(folder) / "model.json").read_bytes())
        tensors = torch.load(Path(folder) / "state.pt", weights_only=True, map_location="cpu")
        code = {item.stem: item.read_text(encoding="utf-8") for item in (Path(folder) / "code").glob("*.py")}
    return _assemble(torch, tree, tensors, _modules(code), "")


def _modules(code: dict[str, str]) -> dict[str, types.ModuleType]:
    """The sources as modules under names of their own."""
    found = {}
    for name, source in code.items():
        module = types.ModuleType(f"slml_code_{hashlib.sha256(source.encode()).hexdigest()[:12]}")
        sys.modules[module.__name__] = module
        # Its lines are shown in the frames of an error.
        filename = f"<code of the model: {name}.py>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        exec(compile(source, filename, "exec"), module.__dict__)
        found[name] = module
    return found


def _assemble(torch: Any, tree: dict[str, Any], tensors: dict[str, Any], code: dict[str, types.ModuleType], at: str) -> Any:
    where, _, name = tree["class"].partition(":")
    found: Any = code[where.removeprefix("code.")] if where.startswith("code.") else importlib.import_module(where)
    for part in name.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, torch.nn.Module)):
        raise TypeError(f"{tree['class']} is no torch module")
    make: Any = found.__new__
    module = make(found)
    torch.nn.Module.__init__(module)
    module.__dict__.update({key: _restored(value) for key, value in tree["attributes"].items()})
    for key, gradient in tree["parameters"].items():
        made = None if gradient is None else torch.nn.Parameter(tensors[f"{at}{key}"], requires_grad=gradient)
        module.register_parameter(key, made)
    for key, present in tree["buffers"].items():
        module.register_buffer(key, tensors[f"{at}{key}"] if present else None, persistent=key not in tree["transient"])
    for key, child in tree["modules"].items():
        module.add_module(key, None if child is None else _assemble(torch, child, tensors, code, f"{at}{key}."))
    return module


TORCH = Format("torch", False, _is_torch, _write_torch, _read_torch)
