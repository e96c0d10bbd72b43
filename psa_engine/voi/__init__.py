"""What more information would be worth: one estimator a file, one common signature.

The names below are loaded when first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_HOME = {
    "psa_engine.decision": "evpi expected_loss",
    "psa_engine.voi.problem": "Problem",
    "psa_engine.voi.evppi": "evppi evppi_singles",
    "psa_engine.voi.shapley": "ShapleyEffects shapley_effects",
    "psa_engine.voi.sobol": "SobolIndices sobol_indices",
    "psa_engine.voi.evsi": (
        "Binary Continuous Count EvsiCurve GeneratedStudy Multinomial SingleArm Skewed Study TimeToEvent "
        "TwoArmTrial cost_cohort evsi utility_cohort"
    ),
    "psa_engine.voi.enbs": "Enbs Population StudyCost enbs population_value",
}
_ROOM = {name: room for room, names in _HOME.items() for name in names.split()}
__all__ = sorted(_ROOM)  # pyright: ignore[reportUnsupportedDunderAll]


class _Room(ModuleType):
    """A package in which `evppi`, `evsi` and `enbs` are the functions, also once the files so named are loaded."""

    def __setattr__(self, name: str, value: Any) -> None:
        loaded = name in _ROOM and isinstance(value, ModuleType)
        super().__setattr__(name, getattr(value, name) if loaded else value)


sys.modules[__name__].__class__ = _Room


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module 'psa_engine.voi' has no attribute '{name}'")
    return getattr(import_module(_ROOM[name]), name)


def __dir__() -> list[str]:
    return __all__
