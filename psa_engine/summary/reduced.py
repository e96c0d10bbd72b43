"""A run whose draws were never brought together, as rows: means, decisions, acceptability and EVPI."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from psa_engine.decision.reduced import Reduced, decisions, means
from psa_engine.summary.confidential import withheld
from psa_engine.summary.run import described, evidence_counts, plain


def grid_with(wtp: Sequence[float]) -> np.ndarray:
    """Return the willingness to pay asked for, then a grid of 26 values from 0 to twice the highest."""
    return np.concatenate([np.asarray(wtp, float), np.linspace(0, 2 * max(wtp), 26)])


def summarise_reduced(
    analysis: Any, total: Reduced, values: np.ndarray, run: dict[str, Any]
) -> dict[str, Any]:
    """Return the results of a reduced run as JSON-ready values; `values` are those of `grid_with`."""
    n_asked = len(analysis.settings.wtp)
    strategies = list(analysis.strategies)
    mean, error = means(total)
    at = decisions(total, values)
    rows = [_decision(at, k, values, strategies) for k in range(len(values))]
    results = {
        **described(analysis),
        "run": run,
        "wtp": values[:n_asked].tolist(),
        "strategies": [{"strategy": s, "label": analysis.label(s)} for s in strategies],
        "evidence": evidence_counts(analysis),
        "mean_outcomes": [
            {
                "strategy": s,
                "costs": float(mean[0, i]),
                "costs_standard_error": plain(error[0, i]),
                "effects": float(mean[1, i]),
                "effects_standard_error": plain(error[1, i]),
            }
            for i, s in enumerate(strategies)
        ],
        "decision": rows[:n_asked],
        "acceptability": sorted(rows[n_asked:], key=lambda row: row["wtp"]),
    }
    return withheld(results, analysis.confidential)


def _decision(at: dict[str, Any], k: int, wtp: np.ndarray, strategies: list[str]) -> dict[str, Any]:
    return {
        "wtp": float(wtp[k]),
        "optimal": strategies[at["best"][k]],
        "evpi": float(at["evpi"][k]),
        "evpi_standard_error": plain(at["evpi_standard_error"][k]),
        "probability": {s: float(at["probability"][k, i]) for i, s in enumerate(strategies)},
        "nmb": {s: float(at["mean_net_benefit"][k, i]) for i, s in enumerate(strategies)},
    }


def reduced_tables(results: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of a reduced run by file name."""
    flat = {
        name: [
            {
                **{k: v for k, v in row.items() if k not in ("probability", "nmb")},
                **_named(row, "probability"),
            }
            for row in results[name]
        ]
        for name in ("decision", "acceptability")
    }
    return {"mean_outcomes": results["mean_outcomes"], **flat}


def _named(row: dict[str, Any], kind: str) -> dict[str, float]:
    return {f"{kind} {strategy}": value for strategy, value in row[kind].items()}
