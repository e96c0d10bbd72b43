"""Local sensitivity: exact derivatives of the incremental net benefit at the base case, as elasticities."""

from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.net_benefit import wtp_values
from psa_engine.engine import evaluate
from psa_engine.engine.derivatives import derivatives
from psa_engine.errors import ModelError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sensitivity.outcomes import increments, pair

if TYPE_CHECKING:
    import pandas as pd

STEP = 1e-5
"""Half-width of the finite differences, relative to the parameter (absolute where it is 0)."""
AGREE = 1e-3
"""How closely, relative to the derivative, they must agree with it."""
WIDER = 10
"""How many times wider the second differences are."""
DIGITS = 1e-12
"""Rounding error of the net benefit, relative to the money it is made of."""


def gradient(
    model: Model,
    parameters: ParameterSet,
    *,
    wtp: Any = None,
    strategy: str | None = None,
    comparator: str | None = None,
) -> "pd.DataFrame":
    """Return the derivative of one strategy's net benefit less another's by every parameter, at the means.

    Rows by parameter, the largest elasticity first at the first WTP; columns value, smooth, and per WTP
    gradient_<wtp> (money per unit), elasticity_<wtp> (% change of the INMB per % change of the parameter) and
    per_sd_<wtp> (money per standard deviation, 0 where it is fixed). `smooth` is False where the model jumps or
    has a kink there (a count of weeks that decides on a cycle), of which the derivative says nothing: the central
    finite difference disagrees with it, or the slopes on both sides differ by more than curvature explains.
    """
    import pandas as pd

    mine, other = pair(model.structure.strategies.names, strategy, comparator)
    names, means = list(parameters.names), parameters.means()
    at, slopes = derivatives(model, means, names)
    i, j = (model.structure.strategies.names.index(s) for s in (mine, other))
    costs, effects = (slopes[kind][:, i] - slopes[kind][:, j] for kind in ("costs", "effects"))
    base = {kind: at[kind][i] - at[kind][j] for kind in at}
    values = np.array([means[name] for name in names])
    spread = np.array([_sd(parameters, name) for name in names])
    table = {"parameter": names, "value": values}
    for w in wtp_values(wtp):
        slope, inmb = w * effects - costs, w * base["effects"] - base["costs"]
        table[f"gradient_{w:.12g}"] = slope
        table[f"elasticity_{w:.12g}"] = slope * values / inmb if inmb else np.full(len(names), np.nan)
        table[f"per_sd_{w:.12g}"] = slope * spread
    first = wtp_values(wtp)[0]
    table["smooth"] = _smooth(model, parameters, first * effects - costs, (mine, other, float(first)))
    order = np.argsort(-np.abs(table[f"gradient_{first:.12g}"] * values), kind="stable")
    return pd.DataFrame(table).iloc[order].reset_index(drop=True)


def _sd(parameters: ParameterSet, name: str) -> float:
    if name not in parameters.uncertain:
        return 0.0
    for key, given in parameters.entries.items():
        if key == name and not hasattr(given, "names"):
            return float(given.sd)
        if name in getattr(given, "names", ()):
            return float(given.sd[name])
    return 0.0


def _smooth(
    model: Model, parameters: ParameterSet, slope: np.ndarray, compared: tuple[str, str, float]
) -> np.ndarray:
    """Compare the derivative by each parameter alone with finite differences of two widths."""
    means, names = parameters.means(), parameters.names
    steps = np.array([STEP * (abs(means[n]) or 1.0) for n in names])
    n = len(names)
    values = {name: np.full(4 * n + 1, means[name]) for name in names}
    for k, name in enumerate(names):
        values[name][1 + k :: n] += steps[k] * np.array([1, -1, WIDER, -WIDER])
    try:
        sample = evaluate(model, values, device="cpu", on_invalid="clip")
    except ModelError:
        return np.zeros(n, bool)
    mine, other, wtp = compared
    inmb = increments(sample, mine, other, [wtp])[f"inmb_{wtp:.12g}"]
    up, down, far_up, far_down = inmb[1:].reshape(4, n)
    central, gap = (up - down) / (2 * steps), np.abs(up - 2 * inmb[0] + down) / steps
    far_gap = np.abs(far_up - 2 * inmb[0] + far_down) / (WIDER * steps)
    # Differences of numbers of this size hold no more digits than this.
    noise = DIGITS * (np.abs(wtp * sample.effect_values) + np.abs(sample.cost_values)).max() / steps
    close = AGREE * np.abs(slope) + noise
    # The gap between the slopes on both sides grows with the step by curvature, and not at a kink.
    return (np.abs(central - slope) <= close) & (gap <= np.maximum(close, far_gap / 2))
