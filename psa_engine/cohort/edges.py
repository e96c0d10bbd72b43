"""Named edges made into one cycle's step: what is sent away, what stays, who dies."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from psa_engine.accrual import Time
from psa_engine.cohort.model import States
from psa_engine.errors import InputError

SlotEdge = tuple[int, int]


class Step(NamedTuple):
    """One cycle: occupancy after it, flow along each edge, slack of the probabilities, whether clipped."""

    occupancy: tuple[Any, ...]
    flows: dict[SlotEdge, Any]
    slack: Any
    clipped: Any


def time_at(row: Mapping[str, Any]) -> Time:
    """Return the time record of one row of the series."""
    return Time(row["cycle"], row["year"], row["age"], row["mortality"], row["utility_multiplier"])


def is_zero(value: Any) -> bool:
    """Whether a value is a plain zero, known before anything runs."""
    return _is_plain(value) and value == 0


def expand(
    states: States, by_edge: Mapping[Any, Any], t: Time, declared: set[SlotEdge] | None = None
) -> dict[SlotEdge, Any]:
    """Give each edge between named states to the slots it joins; into a tunnel means its first step.

    Edges of a plain zero are left out; `declared` collects all of them.
    """
    slots: dict[SlotEdge, Any] = {}
    for key, value in by_edge.items():
        if not (isinstance(key, tuple) and len(key) == 2):
            raise InputError(f"The edge {key!r} must be written (from_state, to_state).")
        if key[0] == key[1]:
            raise InputError(f"The edge {key} leads back to itself; what no edge sends away stays.")
        target = states.of_state(key[1], f"The edge {key}")[0]
        for source in states.of_state(key[0], f"The edge {key}"):
            time_in_state = states.slots[source][1]
            at_step = value(t._replace(time_in_state=time_in_state)) if callable(value) else value
            if declared is not None:
                declared.add((source, target))
            if not is_zero(at_step):
                slots[source, target] = at_step
    return slots


def reached(start: Iterable[int], edges: Iterable[SlotEdge], states: States) -> set[int]:
    """Return the slots that those who start in `start` may reach."""
    found, before = set(start), set()
    while found != before:
        before = set(found)
        found |= {j for i, j in edges if i in before} | {states.remainder(i) for i in before}
    return found


class Edges:
    """The edges of one draw and strategy, those that never change evaluated once.

    An edge is constant when two evaluations at different times give the very same object; what the
    step needs of constant edges (their complement, their validity) is then computed outside the loop.
    """

    def __init__(
        self,
        states: States,
        transitions: Any,
        death: str | None,
        mortality_ratio: Mapping[str, Any] | None,
        probe: tuple[Time, Time],
        clip: bool,
    ):
        self.states, self.clip = states, clip
        self.n_slots = len(states.slots)
        self.death = states.of_state(death, "`death`")[0] if death else None
        self._at: Callable[[Time], Any] = transitions if callable(transitions) else lambda t: transitions
        self.declared: set[SlotEdge] = set()
        first, second = (expand(states, self._at(t), t, self.declared) for t in probe)
        if first.keys() != second.keys():
            raise InputError(
                "The edges must be the same at every time; give an edge the probability 0 instead."
            )
        if any(source == self.death for source, _ in first):
            raise InputError(f"An edge leads out of '{death}', the state of the dead.")
        self.keys = tuple(first)
        self.constant = {k: v for k, v in first.items() if v is second[k] or _same_number(v, second[k])}
        if clip:
            self.constant = {}
        self.varying = tuple(k for k in self.keys if k not in self.constant)
        self._settled = {i: self._stay(i, self.constant) for i in range(self.n_slots) if self._is_settled(i)}
        self.ratio = {
            slot: value
            for name, value in (mortality_ratio or {}).items()
            for slot in states.of_state(name, "`mortality_ratio`")
        }

    def _is_settled(self, slot: int) -> bool:
        return not any(k[0] == slot for k in self.varying)

    def _stay(self, slot: int, probability: Mapping[SlotEdge, Any]) -> Any:
        out = [v for k, v in probability.items() if k[0] == slot]
        return 1.0 - sum(out) if out else 1.0

    def constant_slack(self) -> Any:
        """Return the smallest constant probability, remaining share and mortality ratio."""
        return _smallest([*self.constant.values(), *self._settled.values(), *self.ratio.values()])

    def probabilities(self, t: Time) -> dict[SlotEdge, Any]:
        """Return the probability of every edge at one time, unclipped."""
        now = expand(self.states, self._at(t), t)
        return {k: self.constant.get(k, now[k]) for k in self.keys}

    def slack(self, probability: Mapping[SlotEdge, Any]) -> Any:
        """Return the slack of probabilities at one time, of the edges that vary."""
        stay = {i: self._stay(i, probability) for i in {k[0] for k in self.varying}}
        return self._varying_slack(probability, stay)

    def step(self, occupancy: tuple[Any, ...], row: Mapping[str, Any]) -> Step:
        """Advance one cycle: background death first, then the edges among the survivors."""
        probability = self.probabilities(time_at(row)) if self.varying else self.constant
        clipped: Any = 0.0
        if self.clip:
            probability, clipped = _clip(probability, self.n_slots)
        stay = {i: self._settled.get(i, None) for i in range(self.n_slots)}
        for i, settled in stay.items():
            stay[i] = self._stay(i, probability) if settled is None else settled
        slack = self._varying_slack(probability, stay)
        alive, deaths = self._survivors(occupancy, row)
        flows = {k: alive[k[0]] * p for k, p in probability.items()}
        new: list[Any] = [0.0] * self.n_slots
        for i in range(self.n_slots):
            target = self.states.remainder(i)
            new[target] = new[target] + alive[i] * stay[i]
        for (_, j), flow in flows.items():
            new[j] = new[j] + flow
        for i, dead in deaths.items():
            new[self.death] = new[self.death] + dead  # type: ignore[index]
            flows[i, self.death] = flows.get((i, self.death), 0.0) + dead  # type: ignore[index]
        return Step(tuple(new), flows, slack, clipped)

    def _varying_slack(self, probability: Mapping[SlotEdge, Any], stay: Mapping[int, Any]) -> Any:
        """Return minus the sum of negative probabilities and remaining shares, over the slots that vary.

        What leaves a slot and what stays sum to one, so their absolute values exceed one by twice what is
        negative: two cheap operations an edge where a minimum that carries NaN takes several.
        """
        excess: Any = 0.0
        for slot in {k[0] for k in self.varying}:
            leaving = sum(jnp.abs(p) for k, p in probability.items() if k[0] == slot)
            excess = excess + (leaving + jnp.abs(stay[slot]) - 1.0)
        return -0.5 * excess

    def _survivors(self, occupancy: tuple[Any, ...], row: Mapping[str, Any]):
        if self.death is None:
            return occupancy, {}
        mortality = row["mortality"]
        alive, deaths = list(occupancy), {}
        for i, here in enumerate(occupancy):
            if i != self.death:
                # Deaths first: as the difference of the living they would cancel where they are rare.
                dying = -jnp.expm1(self.ratio[i] * jnp.log1p(-mortality)) if i in self.ratio else mortality
                deaths[i] = here * dying
                alive[i] = here - deaths[i]
        return alive, deaths


def _same_number(a: Any, b: Any) -> bool:
    return _is_plain(a) and _is_plain(b) and a == b


def _is_plain(value: Any) -> bool:
    """Whether a number stands in the model's code; a NumPy one was computed and may differ at another time."""
    return type(value) in (int, float)


def _smallest(values: list[Any]) -> Any:
    least: Any = 1.0
    for value in values:
        least = jnp.minimum(least, value)
    return least


def _clip(probability: Mapping[SlotEdge, Any], n_slots: int) -> tuple[dict[SlotEdge, Any], Any]:
    """Clip each probability to [0, 1] and scale down what leaves a slot to one in all."""
    clipped: Any = 0.0
    out = {k: jnp.clip(v, 0.0, 1.0) for k, v in probability.items()}
    for i in range(n_slots):
        leaving = [k for k in out if k[0] == i]
        if leaving:
            total = sum(out[k] for k in leaving)
            excess = jnp.maximum(total, 1.0)
            off = jnp.maximum(excess - 1.0, sum(jnp.abs(out[k] - probability[k]) for k in leaving))
            clipped = jnp.maximum(clipped, jnp.where(off > 1e-6, 1.0, 0.0))
            out.update({k: out[k] / excess for k in leaving})
    return out, clipped
