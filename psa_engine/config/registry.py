"""The models a configuration can name: those that ship, and those installed packages register."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from psa_engine.config.model_fault import remember_source
from psa_engine.errors import InputError, nearest

GROUP = "psa_engine.models"
# Also without installation (a source checkout on the path has no entry points).
SHIPPED = {
    name: f"psa_engine.models.{name}:build" for name in ("atopic_dermatitis", "sick_sicker", "two_state")
}


def model_names() -> list[str]:
    """Return the names of all registered models, sorted."""
    return sorted(_registered())


def model_builder(name: str) -> Callable:
    """Return the `build(timeline, strategies)` function of a model; imports it, and JAX with it."""
    known = _registered()
    if name not in known:
        raise InputError(f"There is no model '{name}'.", path="model", hint=nearest(name, known))
    module, _, function = known[name].partition(":")
    found = import_module(module)
    remember_source(found.__file__)
    return getattr(found, function or "build")


@cache
def _registered() -> dict[str, str]:
    return {**{point.name: point.value for point in entry_points(group=GROUP)}, **SHIPPED}


def registered_source(name: str) -> dict[str, str]:
    """Return module -> SHA-256 of the source of a model that another package registers, with all of that package."""
    if name in SHIPPED or name not in _registered():
        return {}
    top = _registered()[name].partition(":")[0].partition(".")[0]
    module, whole = import_module(top), sha256()
    folders = getattr(module, "__path__", None)
    inside = (path for folder in folders or () for path in Path(folder).rglob("*.py"))
    for path in sorted(inside) if folders is not None else [Path(module.__file__ or "")]:
        whole.update(path.read_bytes())
    return {top: whole.hexdigest()}
