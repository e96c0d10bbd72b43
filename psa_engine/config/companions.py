"""The files of a configuration: its own text, and what it names beside it."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from psa_engine.config.document import Document

_SUFFIXES = (".csv", ".xlsx", ".xlsm", ".py")
_KEY = "csv"
"""The key whose value is a file by any name."""


def companions(document: Document) -> dict[str, bytes]:
    """Return name -> content of the configuration file, and of every table and model file in its folder that it names.

    A copy of them elsewhere is the same configuration. Files outside its folder are left out.
    """
    beside = {
        name: path.read_bytes()
        for name, path in named_files(document.content, document.folder).items()
        if _is_inside(name)
    }
    return {document.file: document.text.encode(), **beside}


def digests(document: Document) -> dict[str, str]:
    """Return name -> SHA-256 of every file that a configuration names, in its folder or not."""
    files = named_files(document.content, document.folder)
    return {name: sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def named_files(content: Any, folder: Path) -> dict[str, Path]:
    """Return name -> path of every file that a configuration names and that is there."""
    paths = {name: folder / name for name in _named(content)}
    return {name: path for name, path in paths.items() if _is_there(path)}


def _named(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for k, item in value.items():
            yield from _named(item, k)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, str) and (key == _KEY or value.lower().endswith(_SUFFIXES)):
        yield value


def _is_there(path: Path) -> bool:
    with suppress(OSError, ValueError):  # a text that is no name of a file
        return path.is_file()
    return False


def _is_inside(name: str) -> bool:
    path = PurePath(name)
    return not path.is_absolute() and ".." not in path.parts
