"""The record in which an estimate travels with its error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class VoiEstimate:
    """A value-of-information estimate per willingness to pay, with its error.

    `value` and `standard_error` are floats when `wtp` is a number and arrays of its length when it is a
    list; money per person. `bias_bound` bounds the absolute bias and `bracket` is a (low, high) pair
    that holds the truth in expectation, where the method has one.
    """

    value: Any
    standard_error: Any
    method: str
    wtp: Any = None
    of: tuple[str, ...] = ()
    model_runs: int = 0
    seconds: float = 0.0
    bias_bound: Any = None
    bracket: tuple[Any, Any] | None = None
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
