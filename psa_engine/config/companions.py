"""The files of a configuration: its own text, and what it names beside it."""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from psa_engine.config.document import Document

_SUFFIXES = (".csv", ".xlsx", ".xlsm", ".py")


def companions(document: Document) -> dict[str, bytes]:
    """Return name -> content of the configuration file, and of every table and model file in its folder that it names.

    A copy of them elsewhere is the same configuration. Files outside its folder are left out.
    """
    names = dict.fromkeys(_named(document.content))
    beside = {
        name: (document.folder / name).read_bytes()
        for name in names
        if _is_inside(name) and (document.folder / name).is_file()
    }
    return {document.file: document.text.encode(), **beside}


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _named(item)
    elif isinstance(value, str) and value.lower().endswith(_SUFFIXES):
        yield value


def _is_inside(name: str) -> bool:
    path = PurePath(name)
    return not path.is_absolute() and ".." not in path.parts
