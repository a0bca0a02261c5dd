"""How notebook values are pickled, so that in the job they behave as in the notebook.

Kept: a function or class of the notebook sees, as its globals, the very names of the job (as it sees the notebook's here):
`f` and the cell read and change the same `counter`, also when the cell binds it anew. Its globals therefore travel as
captures of their own, each in its best format and stored once. A class has one identity for all names that travel.

Not kept: two names (or a name and an attribute) that hold one mutable object hold two equal ones in the job; instances of
classes compare by their own `__eq__`; a local variable shared by closures of two names becomes two.
"""

from __future__ import annotations

import dis
import functools
import gc
import importlib
import io
import operator
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, BinaryIO, cast

import cloudpickle
from cloudpickle import cloudpickle as internals

from jupyter_slml.domain import formats
from jupyter_slml.domain.formats.generic import register

#: How deep and how broad the search for the part that cannot travel goes.
_DEPTH = 6
_BREADTH = 500
_CACHED = type(functools.lru_cache(len))
#: What all functions that `singledispatch` makes have in common, and what each of them gets from it.
_GENERIC = cast(types.FunctionType, functools.singledispatch(len)).__code__
_GENERIC_PARTS = frozenset({"register", "dispatch", "registry", "_clear_cache", "__wrapped__"})


class _Main:
    """Unpickles as the module `__main__` of whoever reads."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return importlib.import_module, ("__main__",)


class _Namespace:
    """Unpickles as the namespace of `__main__`: where a job binds its names and runs its cell."""

    def __init__(self) -> None:
        self.main = _Main()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return vars, (self.main,)


class _Cache:
    """Unpickles as the decorator that makes a function remember its values."""

    def __init__(self, maxsize: int | None, typed: bool) -> None:
        self.arguments = (maxsize, typed)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return functools.lru_cache, self.arguments


class NotebookPickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle, but for the globals of functions that were written in the notebook.

    After `dump`: `names` are the notebook names that those functions read, `modules` the modules that anything refers to or
    imports when it is called, `strings` the text constants of those functions (files may be named there).
    """

    def __init__(self, file: IO[bytes], namespace: dict[str, Any]) -> None:
        super().__init__(file, protocol=5)
        self.names: set[str] = set()
        self.modules: set[str] = set()
        self.strings: set[str] = set()
        self._notebook = namespace
        # One object, so that the memo writes it once.
        self._stand_in = _Namespace()

    def reducer_override(self, value: Any) -> Any:
        module = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
        if isinstance(module, str):
            self.modules.add(module)
        if isinstance(value, _CACHED) and module == "__main__":
            # By reference it would be looked for under its function's name, which need not be its own.
            settings = value.cache_parameters()
            return operator.call, (_Cache(settings["maxsize"], settings["typed"]), value.__wrapped__)
        if isinstance(value, types.FunctionType) and value.__code__ is _GENERIC and not _is_found_by_name(value):
            return _generic(value)
        if (function := _inside_ufunc(value)) is not None:
            options = {} if value.identity is None else {"identity": value.identity}
            return functools.partial(sys.modules["numpy"].frompyfunc, **options), (function, value.nin, value.nout)
        return super().reducer_override(value)

    def _dynamic_function_reduce(self, function: types.FunctionType) -> Any:
        reduced = super()._dynamic_function_reduce(function)
        self.modules.update(_imports(function.__code__))
        if function.__globals__ is not self._notebook:
            return reduced
        make, arguments, (state, slots), *rest = reduced
        self.names.update(slots["__globals__"])
        self.strings.update(_text_constants(function.__code__))
        slots = {**slots, "__globals__": {}}
        return (make, (arguments[0], self._stand_in, *arguments[2:]), (state, slots), *rest)


def _is_found_by_name(function: types.FunctionType) -> bool:
    return bool(internals._should_pickle_by_reference(function))


def _generic(function: Any) -> tuple[Any, ...]:
    """How to make a generic function again. Its closure has a cache that is weak, and so cannot be pickled."""
    attributes = {name: part for name, part in vars(function).items() if name not in _GENERIC_PARTS}
    return functools.singledispatch, (function.__wrapped__,), (dict(function.registry), attributes), None, None, register


def _inside_ufunc(value: Any) -> Any:
    """The Python function that `numpy.frompyfunc` made a ufunc of; None for any other value."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.ufunc or not value.__name__.endswith(" (vectorized)"):
        return None
    # numpy shows it nowhere else.
    return next((part for part in gc.get_referents(value) if callable(part)), None)


def encode(value: Any, file: IO[bytes], namespace: dict[str, Any]) -> tuple[str, NotebookPickler]:
    """Write `value` in the first format that gives it back exactly: (format's key, the pickler with its findings).

    Raises whatever the value's own pickling raises.
    """
    pickler = NotebookPickler(file, namespace)
    chosen = formats.choose(value, formats.CAPTURE_FORMATS)
    if chosen is formats.CLOUDPICKLE:
        pickler.dump(value)
    else:
        chosen.write(value, cast("BinaryIO", file))
    return chosen.key, pickler


def culprit(path: str, value: Any, namespace: dict[str, Any]) -> tuple[str, Any]:
    """The innermost part of `value` that cannot be pickled: (`config['db']`, the part)."""
    seen: set[int] = set()
    for _ in range(_DEPTH):
        seen.add(id(value))
        for step, part in _parts(value):
            if id(part) not in seen and not _travels(part, namespace):
                path, value = path + step, part
                break
        else:
            break
    return path, value


def _travels(value: Any, namespace: dict[str, Any]) -> bool:
    try:
        encode(value, io.BytesIO(), namespace)
    except Exception:
        return False
    return True


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value is made of, with the words that lead there."""
    items: Iterable[tuple[str, Any]]
    match value:
        case dict():
            items = ((f"[{key!r}]", part) for key, part in value.items())
        case list() | tuple() | set() | frozenset():
            items = ((f"[{index}]", part) for index, part in enumerate(value))
        case types.FunctionType() if value.__code__ is _GENERIC:
            items = ((f" for {kind.__name__}", part) for kind, part in vars(value)["registry"].items())
        case _ if (function := _inside_ufunc(value)) is not None:
            items = [(" → its function", function)]
        case types.FunctionType():
            items = _function_parts(value)
        case types.MethodType():
            items = [(".__self__", value.__self__), (".__func__", value.__func__)]
        case type():
            items = ((f".{name}", part) for name, part in vars(value).items() if not name.startswith("__"))
        case _:
            items = ((f".{name}", part) for name, part in getattr(value, "__dict__", {}).items())
    for index, item in enumerate(items):
        if index == _BREADTH:
            return
        yield item


def _function_parts(function: types.FunctionType) -> list[tuple[str, Any]]:
    parts: list[tuple[str, Any]] = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            parts.append((f" → {name}", cell.cell_contents))
        except ValueError:  # a closure variable that is not bound yet
            continue
    parts += [(" → a default", part) for part in function.__defaults__ or ()]
    parts += [(f" → default of {name}", part) for name, part in (function.__kwdefaults__ or {}).items()]
    parts += [(f".{name}", part) for name, part in vars(function).items()]
    return parts


def _text_constants(code: types.CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, types.CodeType):
            yield from _text_constants(constant)


def _imports(code: types.CodeType) -> Iterator[str]:
    """Modules that a function imports when it runs."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _imports(constant)


def importable(module: types.ModuleType) -> bool:
    """Whether another process finds the module by its name (a module made by hand does not count)."""
    return bool(internals._should_pickle_by_reference(module)) and module.__name__ != "__main__"
