"""Where what was computed once and can be computed again is kept: $PSA_ENGINE_CACHE, else the user's cache folder."""

import hashlib
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

MOST_KEPT = 256
"""Files of `keep` beyond which those longest unused go."""
_STARTED = time.time()


def cache_root() -> Path:
    """Return the folder; it need not exist."""
    given = os.environ.get("PSA_ENGINE_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return home / "psa_engine"


def read_kept(key: str) -> bytes | None:
    """Return what `keep` kept under a key, None where there is nothing, or something damaged."""
    path = _path(key)
    try:
        content = path.read_bytes()
    except OSError:
        return None
    with suppress(OSError):  # somebody else's, to be read only
        os.utime(path)
    data = content[32:]
    return data if hashlib.sha256(data).digest() == content[:32] else None


def keep(key: str, data: bytes) -> None:
    """Keep bytes under a key (a `digest`), if the disk takes them."""
    path = _path(key)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(hashlib.sha256(data).digest() + data)
        part.replace(path)
        by_use = sorted(path.parent.iterdir(), key=lambda p: p.stat().st_mtime)
        for old in by_use[:-MOST_KEPT]:
            old.unlink()


def _path(key: str) -> Path:
    return cache_root() / "programs" / key


@cache
def source_digest() -> str | None:
    """Return a digest of this package's code and data; None where some may have changed since it was imported.

    None too where its source lies in no files, as in an archive.
    """
    folder, whole = Path(__file__).parent, hashlib.sha256()
    if Path(__file__).suffix != ".py" or not Path(__file__).is_file():
        return None
    try:
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".csv")):
            if path.stat().st_mtime >= _STARTED:
                return None
            whole.update(f"{path.relative_to(folder)} {path.stat().st_size} ".encode() + path.read_bytes())
    except OSError:
        return None
    return whole.hexdigest()


def key_of(*parts: Any) -> str | None:
    """Return a digest of these parts and the source of this package, None where either has none."""
    source = source_digest()
    try:
        return source and digest(source, *parts)
    except TypeError:
        return None


def digest(*parts: Any) -> str:
    """Return a SHA-256 of records, mappings, sequences, sets, arrays, text, numbers, and modules of this package.

    TypeError for anything else, and for a module one of whose functions was replaced by one from elsewhere.
    """
    whole = hashlib.sha256()
    _feed(whole, parts)
    return whole.hexdigest()


def _feed(whole: Any, part: Any) -> None:
    if part is None or isinstance(part, str | bytes | bool | int | float):
        text = repr(part).encode()
    elif isinstance(part, np.ndarray | np.generic) and part.dtype.kind in "biuf":
        text = f"{part.dtype.str} {part.shape} ".encode() + part.tobytes()
    else:
        items, text = _items(part), b""
        whole.update(f"{type(part).__qualname__} {len(items)} ".encode())
        for item in items:
            _feed(whole, item)
    whole.update(b"%d " % len(text) + text)


def _items(part: Any) -> list[Any]:
    if is_dataclass(part) and not isinstance(part, type):
        return [(f.name, getattr(part, f.name)) for f in fields(part)]
    if isinstance(part, Mapping):
        return list(part.items())
    if isinstance(part, frozenset | set):
        return sorted(part)
    if isinstance(part, tuple | list):
        return list(part)
    if isinstance(part, ModuleType):
        return _values(part)
    raise TypeError(f"{part!r} has no digest.")


def _values(module: ModuleType) -> list[Any]:
    """Return the values that functions of a module read and somebody may have set since it was imported."""
    values = []
    for name, value in vars(module).items():
        if name.startswith("__") or isinstance(value, type | ModuleType):
            continue
        if not callable(value):
            values.append((name, value))
        elif not _of_this_package(value):
            raise TypeError(f"{module.__name__}.{name} is not as it was written.")
    return values


def _of_this_package(function: Any) -> bool:
    code = getattr(function, "__code__", None)
    return code is not None and Path(code.co_filename).is_relative_to(Path(__file__).parent)
