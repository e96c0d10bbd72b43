"""What a run would take of memory and time, and the refusal of what this machine cannot hold."""

from dataclasses import replace
from time import perf_counter

from psa_engine.config import Analysis
from psa_engine.errors import InputError
from psa_engine.memory import memory_bytes

PILOT = 4_096
"""Draws that are run to see how fast a model is here."""

NUMBERS_A_STRATEGY = 50
"""About as many outcomes, with what their summary needs, does a sample hold for a draw and strategy."""


def more_than_memory(analysis: Analysis) -> str | None:
    """Return in words what a sample would take of memory where this machine cannot hold it, None where it can."""
    n_draws, have = analysis.plan.n_draws, memory_bytes()
    needed = 8.0 * (NUMBERS_A_STRATEGY * len(analysis.strategies) + len(analysis.ledger)) * n_draws
    if not have or needed <= 0.8 * have:
        return None
    return (
        f"{n_draws:,} draws would take about {needed / 2**30:,.0f} GiB of memory, and this machine has "
        f"{have / 2**30:,.0f} GiB"
    )


def refuse_what_memory_cannot_hold(analysis: Analysis, device: str) -> None:
    """Raise InputError, with an estimate of memory and time, where a sample would not fit."""
    if words := more_than_memory(analysis):
        seconds = analysis.plan.n_draws * seconds_a_draw(analysis, device)
        raise InputError(
            f"{words}; they would take about {in_words(seconds)}, at the speed of {PILOT:,}.",
            hint="Ask for fewer draws, keep only means, CEAC and EVPI with --reduce or --cluster, use "
            "run_psa(keep='totals') in Python, or insist with --force.",
        )


def seconds_a_draw(analysis: Analysis, device: str) -> float:
    """Return how long a draw takes here: of two short runs the faster, as the first one compiles."""
    from psa_engine.engine import run_psa

    plan = replace(analysis.plan, n_draws=PILOT)
    taken = []
    for _ in range(2):
        start = perf_counter()
        run_psa(analysis.model, analysis.parameters, plan=plan, device=device)  # type: ignore[arg-type]
        taken.append(perf_counter() - start)
    return min(taken) / PILOT


def in_words(seconds: float) -> str:
    """Return a duration in the unit that fits: 40 seconds, 3 hours, 12 days."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
