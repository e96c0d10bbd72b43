"""How much a command says on the terminal: nothing but errors, what matters, or how it was done as well."""

from contextvars import ContextVar
from typing import Literal

Loudness = Literal["quiet", "normal", "verbose"]

LOUDNESS: ContextVar[Loudness] = ContextVar("loudness", default="normal")
"""What --quiet or --verbose asked for; the command line sets it anew for every command."""


def is_quiet() -> bool:
    """Whether nothing but errors is to be said."""
    return LOUDNESS.get() == "quiet"


def is_verbose() -> bool:
    """Whether it is to be said how things were done."""
    return LOUDNESS.get() == "verbose"
