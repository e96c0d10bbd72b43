"""What can go wrong, in words: every message names the thing, says what was got, and what to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input: a configuration, table, option or argument that cannot be used (exit code 2)."""

    def __init__(self, message: str, path: str | None = None, hint: str | None = None):
        self.message, self.path, self.hint = message, path, hint
        super().__init__(message)

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        return where + self.message + (f" {self.hint}" if self.hint else "")


class ModelError(InputError):
    """The model produced an invalid probability or value (exit code 3), in draw `draw` where that is known."""

    def __init__(
        self, message: str, path: str | None = None, hint: str | None = None, draw: int | None = None
    ):
        super().__init__(message, path, hint)
        self.draw = draw


class StorageError(InputError):
    """The result folder cannot be written: full, removed, no permission (exit code 4)."""


class ClusterError(InputError):
    """The cluster is lost, or cannot do the work (exit code 5)."""


class Interrupted(Exception):
    """A signal asked the run to stop (exit code 128 + its number)."""

    def __init__(self, signal: int, hint: str = ""):
        super().__init__(f"Interrupted. {hint}".rstrip())
        self.signal = signal


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for a misspelt name, or the list of known names."""
    names = list(known)
    close = get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"Known: {shown}." if names else "None is defined."
