"""numpy arrays and scipy's sparse matrices."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_slml.domain.formats.format import Format, is_exactly

_SPARSE = ("csr", "csc", "coo", "bsr", "dia")


def _is_array(value: object) -> bool:
    return is_exactly("numpy", "ndarray", value) and _is_plain(value.dtype)  # type: ignore[attr-defined]


def _is_plain(dtype: Any) -> bool:
    """No objects, and nothing that a dtype carries beyond its name (a title, metadata, padding)."""
    return not dtype.hasobject and dtype.metadata is None and (dtype.names is None or dtype.isbuiltin == 1)


def _write_array(value: Any, file: BinaryIO) -> None:
    import numpy as np

    np.lib.format.write_array(file, value, allow_pickle=False)


def _read_array(path: Path) -> Any:
    import numpy as np

    # Mapped copy-on-write: the cell may write to its array, the stored bytes stay as they are. A plain ndarray is given
    # back, since code may ask for the exact type; an empty array cannot be mapped.
    try:
        return np.load(path, mmap_mode="c", allow_pickle=False).view(np.ndarray)
    except ValueError:
        return np.load(path, allow_pickle=False)


def _is_sparse(value: object) -> bool:
    """Two dimensions, the usual 32-bit indices (scipy chooses the width anew when it reads) and data without objects."""
    module = sys.modules.get("scipy.sparse")
    if module is None or getattr(value, "format", None) not in _SPARSE:
        return False
    found: Any = value
    kinds = [getattr(module, f"{found.format}_{face}", None) for face in ("matrix", "array")]
    if type(value) not in kinds or found.ndim != 2 or not _is_plain(found.data.dtype):
        return False
    return all(index.dtype == "int32" for index in _indices(found).values())


def _indices(value: Any) -> dict[str, Any]:
    match value.format:
        case "coo":
            return {"row": value.row, "col": value.col}
        case "dia":
            return {"offsets": value.offsets}
        case _:
            return {"indices": value.indices, "indptr": value.indptr}


def _write_sparse(value: Any, file: BinaryIO) -> None:
    """The layout of `scipy.sparse.save_npz`, which wants a file that can seek."""
    import numpy as np

    arrays = {
        **_indices(value),
        "format": np.asarray(value.format.encode()),
        "shape": np.asarray(value.shape),
        "data": value.data,
    }
    if isinstance(value, sys.modules["scipy.sparse"].sparray):
        arrays["_is_array"] = np.asarray(True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _read_sparse(path: Path) -> Any:
    import scipy.sparse

    return scipy.sparse.load_npz(path)


NPY = Format("npy", True, _is_array, _write_array, _read_array)
SPARSE = Format("sparse-npz", True, _is_sparse, _write_sparse, _read_sparse)
