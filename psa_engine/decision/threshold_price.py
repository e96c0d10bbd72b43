"""The highest price at which a strategy is still worth choosing, read off a finished sample."""

from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.net_benefit import net_monetary_benefit, wtp_values
from psa_engine.errors import InputError, nearest
from psa_engine.sample import PsaSample

if TYPE_CHECKING:
    import pandas as pd


def threshold_price(
    sample: PsaSample, strategy: str, product: str, net_price: Any, wtp: Any = None
) -> "pd.DataFrame":
    """Return the net price per pack at which the mean net benefit of `strategy` equals the best of the others.

    `net_price` is what the sample was run at: a number or one per draw. Because packs are an outcome,
    the mean net benefit is a line in the price and no run is repeated. Rows by WTP; columns price,
    standard_error (Monte Carlo, delta method), against (the strategy that binds), run_at. A negative
    price means that the strategy is not worth choosing even if the product were free. Price and error are NaN where
    the strategy is the best at no price, as another (`against`) that uses as much of the product or more is better
    at all prices at which it beats those that use less.
    """
    import pandas as pd

    name = f"packs.{product}"
    if strategy not in sample.strategies:
        raise InputError(f"There is no strategy '{strategy}'.", hint=nearest(strategy, sample.strategies))
    if name not in sample.outcome_names:
        packs_known = [n.removeprefix("packs.") for n in sample.outcome_names if n.startswith("packs.")]
        raise InputError(f"The sample has no packs of '{product}'.", hint=nearest(product, packs_known))
    packs = sample.outcome(name).to_numpy()
    price = np.broadcast_to(np.asarray(net_price, float), sample.n_draws)
    mine = sample.strategies.index(strategy)
    rows = [_row(sample, packs, price, mine, float(w)) for w in wtp_values(wtp)]
    return pd.DataFrame(rows, index=pd.Index(wtp_values(wtp), name="wtp"))


def _row(sample: PsaSample, packs: np.ndarray, price: np.ndarray, mine: int, wtp: float) -> dict[str, Any]:
    free = net_monetary_benefit(sample, wtp) + price[:, None] * packs
    rows: list[dict[str, Any]] = []
    for other, name in enumerate(sample.strategies):
        more_packs = packs[:, mine] - packs[:, other]
        if other == mine or not more_packs.mean() > 0:
            continue
        gain = free[:, mine] - free[:, other]
        at = gain.mean() / more_packs.mean()
        residual = gain - at * more_packs
        error = residual.std(ddof=1) / np.sqrt(len(gain)) / more_packs.mean() if len(gain) > 1 else np.nan
        rows.append({"price": at, "standard_error": error, "against": name, "run_at": price.mean()})
    if not rows:
        raise InputError(
            f"'{sample.strategies[mine]}' uses no more of this product than the other strategies do."
        )
    lowest = min(rows, key=lambda row: row["price"])
    lead = _leads(free.mean(axis=0), packs.mean(axis=0), mine, lowest["price"])
    worst = int(lead.argmin())
    if lead[worst] >= 0:
        return lowest
    return {**lowest, "price": np.nan, "standard_error": np.nan, "against": sample.strategies[worst]}


def _leads(free: np.ndarray, packs: np.ndarray, mine: int, price: float) -> np.ndarray:
    """Return what a strategy's mean net benefit at a price is above that of each, 0 where rounding hides it."""
    benefit = free - price * packs
    rounding = 1e-9 * max(np.abs(free).max(), np.abs(price * packs).max())
    lead = benefit[mine] - benefit
    return np.where(np.abs(lead) <= rounding, 0.0, lead)
