"""Two-way sensitivity analysis: a grid over two parameters, the others at their means."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.net_benefit import net_monetary_benefit, wtp_values
from psa_engine.errors import InputError, nearest
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sensitivity.outcomes import increments, pair, runs

if TYPE_CHECKING:
    import pandas as pd

Axis = tuple[str, Sequence[float]]


def two_way(
    model: Model,
    parameters: ParameterSet,
    first: Axis,
    second: Axis,
    *,
    wtp: Any = None,
    strategy: str | None = None,
    comparator: str | None = None,
    on_invalid: str = "stop",
) -> "pd.DataFrame":
    """Return every combination of two parameters' values in one compiled call, the second varying fastest.

    Columns are the two parameters, incremental_costs, incremental_effects, icer, inmb_<wtp> of one strategy less
    another, and optimal_<wtp>, the strategy of highest net benefit. InputError for an unknown parameter, the same
    one twice, or an empty grid.
    """
    import pandas as pd

    for name, values in (first, second):
        if name not in parameters.names:
            raise InputError(f"There is no parameter '{name}'.", hint=nearest(name, parameters.names))
        if not len(values) or not np.isfinite(values).all():
            raise InputError(f"The grid of '{name}' is empty or holds something that is no number.")
    if first[0] == second[0]:
        raise InputError(f"A two-way analysis needs two parameters, and got '{first[0]}' twice.")
    mine, other = pair(model.structure.strategies.names, strategy, comparator)
    points = [{first[0]: float(a), second[0]: float(b)} for a, b in product(np.asarray(first[1]), second[1])]
    sample = runs(model, parameters, points, on_invalid)
    best = {
        f"optimal_{w:.12g}": [sample.strategies[i] for i in net_monetary_benefit(sample, w).argmax(1)]
        for w in wtp_values(wtp)
    }
    return pd.DataFrame(points).assign(**increments(sample, mine, other, wtp), **best)
