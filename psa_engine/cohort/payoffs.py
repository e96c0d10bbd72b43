"""Payoffs sorted by how they can be accrued: constants need only the occupancy, summed once at the end."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from psa_engine.accrual import Time
from psa_engine.cohort.edges import Edges, SlotEdge, is_zero
from psa_engine.cohort.model import START, States
from psa_engine.errors import InputError
from psa_engine.model import cost_rate_applies


class Payoffs(NamedTuple):
    """The payoffs of one draw and strategy: outcome -> slot or edge -> value (a function of t where varying)."""

    start: dict[str, Any]
    constant_states: dict[str, dict[int, Any]]
    constant_edges: dict[str, dict[SlotEdge, Any]]
    varying_states: dict[str, dict[int, Any]]
    varying_edges: dict[str, dict[SlotEdge, Any]]

    @property
    def outcomes(self) -> tuple[str, ...]:
        return tuple(self.start)

    def slots(self, weight: str, of: "WeightOf") -> list[int]:
        """Return the slots whose occupancy must be summed under a weight."""
        return sorted({i for o, v in self.constant_states.items() if of(o, weight) for i in v})

    def edges(self, weight: str, of: "WeightOf") -> list[SlotEdge]:
        """Return the edges whose flow must be summed under a weight."""
        return sorted({e for o, v in self.constant_edges.items() if of(o, weight) for e in v})


class WeightOf(NamedTuple):
    """Which weights an outcome is summed under: its discount rate's, and undiscounted."""

    same_discount: bool

    def discounted(self, outcome: str) -> str:
        return "costs" if self.same_discount or cost_rate_applies(outcome) else "effects"

    def weights(self) -> tuple[str, ...]:
        return ("costs", "undiscounted") if self.same_discount else ("costs", "effects", "undiscounted")

    def __call__(self, outcome: str, weight: str) -> bool:
        return weight in ("undiscounted", self.discounted(outcome))


def sort_payoffs(states: States, edges: Edges, given: Mapping[str, Any], at_start: Time) -> Payoffs:
    """Sort the mapping that a model's `payoffs(p)` returns; refuses unknown states and edges by name."""
    death = edges.death
    dying = {(i, death) for i in range(len(states.slots)) if death is not None and i != death}
    known, used = edges.declared | dying, {*edges.keys, *dying}
    sorted_ = Payoffs({}, {}, {}, {}, {})
    for outcome, by_key in given.items():
        if "." in outcome and "{" in outcome.split(".")[0]:
            raise InputError(
                f"The outcome '{outcome}' hides its kind in an attribute.",
                hint="Write costs., effects. or another plain name first.",
            )
        sorted_.start[outcome] = 0.0
        groups: tuple[dict, ...] = ({}, {}, {}, {})
        for key, value in by_key.items():
            if key == START:
                sorted_.start[outcome] = value(at_start) if callable(value) else value
            elif isinstance(key, tuple):
                found = [e for e in _slot_edges(states, key, known, outcome) if e in used]
                _place(groups[1], groups[3], found, value, states)
            else:
                slots = states.of_state(key, f"The payoff '{outcome}'")
                _place(groups[0], groups[2], slots, value, states)
        for table, group in zip(sorted_[1:], groups, strict=True):
            table[outcome] = group
    return sorted_


def _slot_edges(states: States, key: tuple, known: set[SlotEdge], outcome: str) -> list[SlotEdge]:
    where = f"The payoff '{outcome}'"
    if len(key) != 2:
        raise InputError(f"{where} is on {key}; an edge must be written (from_state, to_state).")
    target = states.of_state(key[1], where)[0]
    found = [(i, target) for i in states.of_state(key[0], where) if (i, target) in known]
    if not found:
        raise InputError(f"{where} is on the edge {key}, which the model's transitions do not have.")
    return found


def _place(constant: dict, varying: dict, keys: list, value: Any, states: States) -> None:
    for key in keys:
        if callable(value):
            slot = key[0] if isinstance(key, tuple) else key
            varying[key] = _within(value, states.slots[slot][1])
        elif not is_zero(value):
            constant[key] = value


def _within(value: Any, time_in_state: int | None) -> Any:
    if time_in_state is None:
        return value

    def at_step(t: Time) -> Any:
        return value(t._replace(time_in_state=time_in_state))

    return at_step
