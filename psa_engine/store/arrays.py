"""Nested mappings of arrays as one file: NumPy's npz behind a line with its SHA-256."""

import io
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np

_NAMES = "names"


def packed(arrays: Mapping[str, Any], label: str) -> bytes:
    """Return the bytes of a file; the checksum covers its content and its `label`."""
    named = dict(_flat(arrays))
    columns: dict[str, Any] = {f"a{i}": np.asarray(v) for i, v in enumerate(named.values())}
    held = io.BytesIO()
    held.write(bytes(65))
    np.savez(held, **{_NAMES: np.array(json.dumps(list(named))), **columns})
    content = held.getbuffer()
    content[:65] = f"{_checksum(content[65:], label)}\n".encode()
    return held.getvalue()


def unpacked(data: bytes, label: str) -> dict[str, Any] | None:
    """Return what was packed under a label, None where a bit of it is another or it was packed under another."""
    content = memoryview(data)[65:]
    if data[:65] != f"{_checksum(content, label)}\n".encode():
        return None
    try:
        return _read(io.BytesIO(content))
    except Exception:  # its checksum is right, so that somebody made it: it may hold anything
        return None


def _read(file: io.BytesIO) -> dict[str, Any]:
    with ZipFile(file) as members:
        if any(member.compress_type != ZIP_STORED for member in members.infolist()):
            raise ValueError("It may expand to more than memory holds.")
    file.seek(0)
    with np.load(file, allow_pickle=False) as held:
        names = json.loads(str(held[_NAMES]))
        return _nested({tuple(path): held[f"a{i}"] for i, path in enumerate(names)})


def _checksum(content: Any, label: str) -> str:
    digest = sha256(label.encode())
    digest.update(content)
    return digest.hexdigest()


def _flat(arrays: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in arrays.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, (*path, name))
        else:
            yield (*path, name), (np.zeros((0, 0, 0)) if isinstance(value, Mapping) else value)


def _nested(named: Mapping[tuple[str, ...], np.ndarray]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for path, array in named.items():
        inner = out
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = {} if array.shape == (0, 0, 0) else array
    return out
