"""What a treatment effect does to the parameter of the control arm, scale by scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from psa_engine.errors import InputError, nearest

_RATIOS = ("ratio", "risk ratio", "rate ratio", "hazard ratio")
SCALES = (
    "difference", "odds ratio", "log odds ratio", *_RATIOS, *(f"log {ratio}" for ratio in _RATIOS)
)  # fmt: skip


def checked_scale(scale: Any) -> None:
    """Raise InputError for a scale that is not one of `SCALES`."""
    if scale not in SCALES:
        raise InputError(f"There is no effect scale {scale!r}.", hint=nearest(str(scale), SCALES))


def apply_effect(scale: str, control: np.ndarray, effects: Sequence[np.ndarray]) -> np.ndarray:
    """Return the treated arm's parameter; several effects add up on a log scale, multiply on a ratio one."""
    if scale == "difference":
        return control + sum(effects)
    ratio = np.exp(sum(effects)) if scale.startswith("log ") else np.prod(np.array(effects), axis=0)
    if scale.endswith("odds ratio"):
        return control * ratio / (1 - control + control * ratio)
    return control * ratio
