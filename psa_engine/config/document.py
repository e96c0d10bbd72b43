"""A configuration as data: the mapping, and for each of its values the line of the file it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError

YamlPath = tuple[str | int, ...]

OVERRIDE = "override"
"""The first key of the path of what was set outside the file, as on a command line."""


@dataclass(frozen=True)
class Document:
    """The content of a configuration file after any overlays, and where every part of it was written.

    `lines` maps the path of a value in the file to its line number, `places` that of a value in a table beside the
    file to where it is, in words. `origins` maps the path of a value that
    an overlay put there to where the overlay is written. `applied` says in words which overlays were applied.
    `confidential` are the products whose discount is used and never said.
    `allows_model_file` is the reader's leave to run a Python file that `model` names.
    """

    content: Any
    file: str
    text: str
    folder: Path = Path()
    lines: Mapping[YamlPath, int] = field(default_factory=dict)
    origins: Mapping[YamlPath, YamlPath] = field(default_factory=dict)
    applied: tuple[str, ...] = ()
    confidential: frozenset[str] = frozenset()
    places: Mapping[YamlPath, str] = field(default_factory=dict)
    allows_model_file: bool = False

    def written_at(self, path: YamlPath) -> YamlPath:
        """Return where the value at `path` is written: in the scenario or option that set it, or `path`."""
        for length in range(len(path), -1, -1):
            origin = self.origins.get(path[:length])
            if origin is not None:
                return origin + path[length:]
        return path

    def error(self, path: YamlPath, message: str, hint: str | None = None) -> InputError:
        """Return an InputError that names the YAML path, the line and the file of what is wrong at `path`."""
        written = self.written_at(path)
        if self.applied and written == path:
            message = f"With {', '.join(self.applied)}: {message}"
        where = f"{message.removesuffix('.')} ({self._place(written)})."
        return InputError(where, path_text(written) or None, hint or None)

    def _place(self, written: YamlPath) -> str:
        """Where the nearest part that holds `written` is: the line of the file, or the row of a table."""
        for length in range(len(written), 0, -1):
            if place := self.places.get(written[:length]):
                return place
            if line := self.lines.get(written[:length]):
                return f"{self.file}, line {line}"
        return self.file


def path_text(path: YamlPath) -> str:
    """Return a path as people write it: parameters.response.distribution.beta.events, settings.wtp[0]."""
    return "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in path).removeprefix(".")
