"""The record of a cohort model: states, named edges, payoffs, and the timeline they run along."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from psa_engine.accrual import Timeline
from psa_engine.errors import InputError
from psa_engine.model import Draw, Strategies

START = "@start"
"""The payoff key of what each person incurs once, at time zero."""


@dataclass(frozen=True)
class Tunnel:
    """A state that remembers how long it has been occupied: one cycle per step, then on to `then`.

    Without `then` the last step is kept until an edge leaves it.
    """

    name: str
    n_cycles: int
    then: str | None = None


@dataclass(frozen=True, eq=False)
class CohortModel:
    """A cohort model written for one draw and one strategy; the engine adds both axes.

    `initial(p)` returns state -> probability (a decision tree ends here) or is the name of the state
    where all start; `transitions(p)` returns edge -> probability per cycle, or a function of `t` that
    does; `payoffs(p)` returns outcome -> {state: per year of occupancy, (from, to): one-off per
    transition, START: one-off per person}. With `death`, background mortality is applied to every
    other state and the edges are conditional on surviving the cycle; `mortality_ratio(p)` returns
    state -> hazard ratio on it. What no edge sends away stays.
    """

    states: Sequence[str | Tunnel]
    strategies: Sequence[str] | Mapping[str, Mapping[str, float | str]]
    timeline: Timeline
    initial: str | Callable[[Draw], Mapping[str, Any]]
    transitions: Callable[[Draw], Any]
    payoffs: Callable[[Draw], Mapping[str, Mapping[Any, Any]]]
    death: str | None = None
    mortality_ratio: Callable[[Draw], Mapping[str, Any]] | None = None
    identity: str | None = field(default=None, init=False)
    """See `known_as`; not passed on by `dataclasses.replace`, whose copy is another model."""

    def known_as(self, identity: str | None) -> "CohortModel":
        """Return the model with a digest of all that it was built from, by which what is traced of it is kept."""
        model = replace(self)
        object.__setattr__(model, "identity", identity)
        return model

    @cached_property
    def structure(self):
        from psa_engine.cohort.simulate import CohortStructure

        return CohortStructure(
            states=States.of(self.states),
            strategies=Strategies.of(self.strategies),
            initial=self.initial,
            transitions=self.transitions,
            payoffs=self.payoffs,
            death=self.death,
            mortality_ratio=self.mortality_ratio,
            same_discount=self.timeline.same_discount,
            identity=self.identity,
        )

    def inputs(self) -> dict[str, Any]:
        """Return what the simulation reads along time (see `Timeline.series`)."""
        return self.timeline.series()


@dataclass(frozen=True)
class States:
    """The states and, of each tunnel, its steps: the slots that the simulation carries."""

    declared: tuple[str | Tunnel, ...]

    @classmethod
    def of(cls, declared: Sequence[str | Tunnel]) -> "States":
        """Check and build; refuses duplicates, and tunnels that are empty or lead nowhere."""
        states = cls(tuple(declared))
        names = states.names
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"Two states have the name '{name}'.")
        for tunnel in states.declared:
            if isinstance(tunnel, Tunnel) and (
                tunnel.n_cycles < 1 or (tunnel.then and tunnel.then not in names)
            ):
                raise InputError(
                    f"The tunnel '{tunnel.name}' of {tunnel.n_cycles} cycles leads to '{tunnel.then}'; "
                    f"it needs at least one cycle and a state among {', '.join(names)}."
                )
        return states

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the states, a tunnel counted once."""
        return tuple(s.name if isinstance(s, Tunnel) else s for s in self.declared)

    @cached_property
    def slots(self) -> tuple[tuple[str, int | None], ...]:
        """(state, time in state) of every slot; the time is None outside tunnels."""
        out: list[tuple[str, int | None]] = []
        for state in self.declared:
            if isinstance(state, Tunnel):
                out += [(state.name, k) for k in range(state.n_cycles)]
            else:
                out.append((state, None))
        return tuple(out)

    def of_state(self, name: str, where: str) -> list[int]:
        """Return the slots of a state; raises InputError naming `where` it was used."""
        found = [i for i, (state, _) in enumerate(self.slots) if state == name]
        if not found:
            from psa_engine.errors import nearest

            raise InputError(f"{where} names the state '{name}'.", hint=nearest(str(name), self.names))
        return found

    def remainder(self, slot: int) -> int:
        """Return where those go whom no edge sends away: the same slot, or the next step of a tunnel."""
        name, k = self.slots[slot]
        if k is None:
            return slot
        tunnel = next(s for s in self.declared if isinstance(s, Tunnel) and s.name == name)
        if k + 1 < tunnel.n_cycles:
            return slot + 1
        return self.of_state(tunnel.then, f"The tunnel '{name}'")[0] if tunnel.then else slot
