"""A probabilistic analysis at every point of a grid, with the same draws everywhere."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from psa_engine.decision import ceac, evpi
from psa_engine.decision.means import standard_error
from psa_engine.decision.net_benefit import net_monetary_benefit
from psa_engine.engine import RunPlan, run_psa
from psa_engine.engine.where import HERE, Where, map_rows
from psa_engine.errors import InputError, ModelError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample

Row = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """One model and its parameters under a scenario and a subgroup: `labels` are the row's first columns."""

    labels: Mapping[str, Any]
    model: Model
    parameters: ParameterSet
    plan: RunPlan


def grid_points(over: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Return every combination of the parameters' values, the last varying fastest; InputError for an empty grid."""
    for name, values in over.items():
        if not len(values):
            raise InputError(f"The grid of '{name}' is empty.")
    return [dict(zip(over, values, strict=True)) for values in product(*over.values())]


def sweep(
    settings: Sequence[Setting],
    points: Sequence[Mapping[str, float]],
    wtp: Sequence[float],
    where: Where = HERE,
) -> Iterator[list[Row]]:
    """Return for every setting and point its rows, one a strategy.

    Columns: the labels, the point's parameters, strategy, costs, effects (each with its standard error), and per WTP
    nmb_<wtp>, nmb_standard_error_<wtp>, probability_<wtp>, optimal_<wtp> and evpi_<wtp> (that of the decision). A
    parameter held at a number keeps its place, so the points of a setting run one compiled program, and draws belong
    to the seed and the parameters' names, so all share theirs. ModelError that names the point.
    """
    places = product(range(len(settings)), points)
    return map_rows(partial(_rows_of, settings, wtp), places, where, lambda k, p: key_of(settings[k], p, wtp))


def _rows_of(
    settings: Sequence[Setting], wtp: Sequence[float], k: int, point: Mapping[str, float]
) -> list[Row]:
    return rows_at(settings[k], point, wtp)


def key_of(setting: Setting, point: Mapping[str, float], wtp: Sequence[float]) -> str:
    """Return what distinguishes a point of a sweep from all others."""
    return repr((sorted(setting.labels.items()), sorted(point.items()), list(wtp)))


def rows_at(setting: Setting, point: Mapping[str, float], wtp: Sequence[float]) -> list[Row]:
    """Return the rows of one setting and point, one a strategy; ModelError that names the point."""
    try:
        parameters = setting.parameters.replace(point)
        sample = run_psa(setting.model, parameters, plan=setting.plan, keep="totals")
    except ModelError as error:
        words = ", ".join(f"{k} = {v}" for k, v in {**setting.labels, **point}.items())
        message = re.sub(r"^Draw", "draw", error.message)
        raise ModelError(f"At {words}, {message}", hint=error.hint) from None
    return _rows({**setting.labels, **point}, sample, wtp)


def _rows(first: Mapping[str, Any], sample: PsaSample, wtp: Sequence[float]) -> list[Row]:
    columns: dict[str, Any] = {
        "costs": sample.cost_values.mean(0),
        "costs_standard_error": standard_error(sample.cost_values),
        "effects": sample.effect_values.mean(0),
        "effects_standard_error": standard_error(sample.effect_values),
    }
    for w in wtp:
        benefit = net_monetary_benefit(sample, w)
        best = benefit.mean(0) == benefit.mean(0).max()
        columns[f"nmb_{w:.12g}"] = benefit.mean(0)
        columns[f"nmb_standard_error_{w:.12g}"] = standard_error(benefit)
        columns[f"probability_{w:.12g}"] = ceac(sample, [w]).iloc[0].to_numpy()
        columns[f"optimal_{w:.12g}"] = best
        columns[f"evpi_{w:.12g}"] = np.full(len(best), evpi(sample, w).value)
    return [
        {**first, "strategy": strategy, **{k: v[i].item() for k, v in columns.items()}}
        for i, strategy in enumerate(sample.strategies)
    ]
