"""The plan of a run: how many draws, from what seed, how precisely, in blocks of what size, where."""

from dataclasses import dataclass
from numbers import Integral
from typing import Literal, get_args

from psa_engine.engine.devices import Device, Precision
from psa_engine.errors import InputError, nearest
from psa_engine.parameters import Sampler

OnInvalid = Literal["stop", "clip"]


@dataclass(frozen=True)
class RunPlan:
    """How a PSA is run. `block` is the number of draws held on the devices at once (None: chosen)."""

    n_draws: int = 10_000
    seed: int = 1
    sampler: Sampler = "random"
    precision: Precision = "double"
    block: int | None = None
    device: Device = "auto"
    on_invalid: OnInvalid = "stop"

    def __post_init__(self) -> None:
        for name, known in (
            ("sampler", Sampler),
            ("precision", Precision),
            ("device", Device),
            ("on_invalid", OnInvalid),
        ):
            if getattr(self, name) not in get_args(known):
                raise InputError(
                    f"The {name} '{getattr(self, name)}' does not exist.",
                    hint=nearest(getattr(self, name), get_args(known)),
                )
        for name, least in (("n_draws", 1), ("block", 1), ("seed", 0)):
            value = getattr(self, name)
            if name == "block" and value is None:
                continue
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} must be a whole number of at least {least}, and is {value}.")
            object.__setattr__(self, name, int(value))
