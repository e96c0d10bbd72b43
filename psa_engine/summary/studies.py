"""What candidate studies would be worth, as rows: EVSI beside the EVPPI that bounds it, and ENBS."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.sample import PsaSample
from psa_engine.summary.information import distinguishable, first_draws, quick_evppi, statuses

ROWS = 10_000
"""Draws of a run's sample that its studies are judged by."""


def evsi_rows(analysis: Any, name: str, curve: Any, perfect: Any) -> list[dict[str, Any]]:
    """Return a row per sample size and WTP of one study: EVSI, the EVPPI of what it informs, ENBS and the best n.

    `optimal_n` is that of the whole population, 0 where no size is worth its cost.
    """
    informed = list(curve.study.parameters)
    wtp, net = np.atleast_1d(curve.wtp).tolist(), _net(analysis, name, curve)
    rows = []
    for i, estimate in enumerate(curve):
        told = distinguishable(estimate)
        for k, at in enumerate(wtp):
            row = {
                "study": name,
                "n": int(curve.n[i]),
                "wtp": at,
                "evsi": float(np.atleast_1d(estimate.value)[k]),
                "standard_error": float(np.atleast_1d(estimate.standard_error)[k]),
                "distinguishable": told[k],
                "evppi": float(np.atleast_1d(perfect.value)[k]),
                "evppi_standard_error": float(np.atleast_1d(perfect.standard_error)[k]),
                "method": estimate.method,
                "informs": ", ".join(informed),
                "status": statuses(analysis, informed),
            }
            if net is not None:
                row["enbs"] = float(np.reshape(net.value, (-1, len(wtp)))[i, k])
                row["enbs_standard_error"] = float(np.reshape(net.standard_error, (-1, len(wtp)))[i, k])
                row["optimal_n"] = int(np.atleast_1d(net.optimal_n)[k])
            rows.append(row)
    return rows


def _net(analysis: Any, name: str, curve: Any) -> Any:
    from psa_engine.voi.enbs import Population, StudyCost, enbs

    people, cost = analysis.decision_population, analysis.studies[name].cost
    if people is None:
        return None
    population = Population(
        people.annual_incidence, people.prevalence, people.horizon_years, people.discount_rate
    )
    return enbs(curve, population, StudyCost(cost.fixed, cost.per_patient))


def sample_evsi_rows(
    analysis: Any, sample: PsaSample, wtp: Sequence[float]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return EVSI of every candidate study of a run from (the first draws of) its sample, and notes.

    A study that cannot be judged, as of a parameter that is held at a number here, is left out with a note.
    `psa-engine evsi` takes its own draws.
    """
    kept, at = first_draws(sample, ROWS), [w for w in wtp if w > 0]
    rows, notes = [], []
    if kept.n_draws < 1_000 or not at:
        return rows, notes
    for name, study in designs(analysis).items():
        try:
            rows += _study_rows(analysis, name, study, kept, at)
        except InputError as error:
            notes.append(f"The study '{name}' is left out: {error}")
    return rows, notes


def _study_rows(
    analysis: Any, name: str, study: Any, sample: PsaSample, wtp: list[float]
) -> list[dict[str, Any]]:
    from psa_engine.voi.evsi import evsi

    fixed = [p for p in study.parameters if p not in analysis.parameters.uncertain]
    if fixed:
        raise InputError(f"it informs '{fixed[0]}', which is held at a number here.")
    curve = evsi(
        sample, analysis.parameters, study=study, n=list(analysis.studies[name].n), wtp=wtp,
        seed=analysis.settings.seed,
    )  # fmt: skip
    return evsi_rows(analysis, name, curve, quick_evppi(sample, study.parameters, wtp))


def designs(analysis: Any) -> Mapping[str, Any]:
    """Return the study records of an analysis by name."""
    return {name: about.study for name, about in analysis.studies.items()}
