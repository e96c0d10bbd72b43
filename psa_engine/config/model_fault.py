"""An exception inside a model's own functions, said in one line: which file, line and function, and what it was."""

import traceback
from pathlib import Path

from psa_engine.errors import ModelError

DEBUG = "PSA_ENGINE_DEBUG"
"""The environment variable that has the whole traceback shown instead."""

_SOURCES: set[str] = set()
_BRANCH = (
    "The model is compiled for all draws at once: choose by a sampled value with jnp.where(condition, a, b)"
)


def remember_source(path: str | Path | None) -> None:
    """Note that the functions of a model are in this file."""
    if path is not None:
        _SOURCES.add(str(path))


def model_fault(error: BaseException) -> ModelError | None:
    """Return what an exception that came out of a model's file says, None for one from elsewhere."""
    found = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in _SOURCES]
    return _said(error, found[-1]) if found else None


def _said(error: BaseException, at: traceback.FrameSummary) -> ModelError:
    words = next(iter(str(error).strip().splitlines()), "")
    name = type(error).__name__
    what = f"{name}: {words.removesuffix('.')}" if words else name
    branches = name in (
        "TracerBoolConversionError",
        "TracerIntegerConversionError",
        "ConcretizationTypeError",
    )
    hint = _BRANCH if branches else f"The whole traceback: set {DEBUG}=1"
    return ModelError(
        f"The model {Path(at.filename).name} failed at line {at.lineno}, in {at.name}(), `{at.line}`: {what}.",
        hint=f"{hint}.",
    )
