"""A model in a Python file of the user's own, named in YAML by its path: run only where that was allowed.

The file defines `build(timeline, strategies)` as a registered model does. It stands alone: it can import
installed packages, and not the files beside it, so that its own bytes say what it does.
"""

import sys
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from psa_engine.config.document import Document
from psa_engine.config.model_fault import remember_source
from psa_engine.errors import InputError

PATH = ("model",)
ALLOW = (
    "That would run its code, which can do whatever you can. If you trust it: --allow-model-file, or "
    "load_analysis(path, allow_model_file=True) in Python."
)


def is_model_file(model: str) -> bool:
    """Return whether the `model` of a configuration is a path to a Python file rather than a name."""
    return model.lower().endswith(".py")


def check_model_file(model: str, document: Document) -> None:
    """Raise InputError where a model file may not be run or is not there; runs nothing."""
    if not document.allows_model_file:
        raise document.error(PATH, f"The model is the Python file '{model}'", ALLOW)
    if not (document.folder / model).is_file():
        raise document.error(
            PATH, f"There is no model file '{model}'", "Its path is relative to the configuration file."
        )


def model_file_bytes(model: str, document: Document) -> bytes:
    """Return what stands in a model file, for the hash and for `build_from_file`."""
    check_model_file(model, document)
    try:
        return (document.folder / model).read_bytes()
    except OSError as error:
        raise document.error(PATH, f"'{model}' cannot be read: {error.strerror}") from None


def build_from_file(
    model: str, source: bytes, document: Document, timeline: Any, strategies: Mapping[str, Any]
) -> Any:
    """Run `source`, the bytes of a model file, and return what its `build(timeline, strategies)` makes.

    InputError, with the line of the file, where it cannot be run, has no `build`, or `build` fails.
    """
    check_model_file(model, document)
    path = (document.folder / model).resolve()
    try:
        built = _builder(path, source)(timeline, strategies)
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise document.error(PATH, f"{model} failed{_line(error, path)}: {_said(error)}") from error
    if not hasattr(built, "structure"):
        hint = "It must return a CohortModel or a FunctionModel."
        raise document.error(PATH, f"build() of {model} returned {built!r}", hint)
    return built


@cache
def _builder(path: Path, source: bytes) -> Callable:
    """The `build` of a file. Run once, so that its functions stay the same and what they compile to serves on."""
    module = ModuleType(f"model_file_{sha256(source).hexdigest()[:12]}")
    module.__file__ = str(path)
    remember_source(path)
    # Known while it runs, as dataclasses need; not longer, so that a worker gets its functions by value.
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    build = getattr(module, "build", None)
    if not callable(build):
        raise InputError(
            f"The model file {path.name} has no function build(timeline, strategies).",
            path="model",
            hint="It returns the model, as those in psa_engine/models/ do.",
        )
    return build


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return f" at line {error.lineno}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f" at line {lines[-1]}" if lines else ""


def _said(error: BaseException) -> str:
    words = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
