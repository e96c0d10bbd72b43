"""Two finished runs side by side: which settings and inputs differ, and what that does to the results."""

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
ABOUT = ("value", "unit", "status", "source")
"""What of an input is compared."""


def comparison(first: Row, second: Row) -> dict[str, Any]:
    """Return the differences between two results as rows; `difference` is the second less the first.

    Strategies and willingness to pay are matched by value, inputs by name; what only one run has is None in
    the other.
    """
    labels = {s["strategy"]: s["label"] for r in (second, first) for s in r["strategies"]}
    return {
        "settings": _settings(first, second),
        "inputs": _inputs(first, second),
        "strategies": [{"strategy": s, "label": labels[s]} for s in labels],
        "outcomes": _outcomes(first, second, labels),
        "decisions": _decisions(first, second),
        "net_benefit": _net_benefit(first, second, labels),
    }


def _settings(first: Row, second: Row) -> list[dict[str, Any]]:
    a, b = _flat_settings(first), _flat_settings(second)
    return [
        {"setting": name, "first": a.get(name), "second": b.get(name)}
        for name in dict.fromkeys([*a, *b])
        if a.get(name) != b.get(name)
    ]


def _flat_settings(results: Row) -> dict[str, Any]:
    run = results["run"]
    return {
        "name": results["name"],
        "title": results["title"],
        "changed": "; ".join(results["applied"]),
        "currency": results["currency"],
        **{k: run.get(k) for k in ("n_draws", "seed", "sampler", "precision", "on_invalid", "clipped")},
        **results["conventions"],
        "wtp": ", ".join(f"{w:,.0f}" for w in results["wtp"]),
        "strategies": ", ".join(s["strategy"] for s in results["strategies"]),
        **{f"version of {k}": v for k, v in run["versions"].items()},
        "configuration (SHA-256)": results["config_hash"],
    }


def _inputs(first: Row, second: Row) -> list[dict[str, Any]]:
    a, b = ({e["name"]: e for e in r["ledger"]} for r in (first, second))
    rows = []
    for name in dict.fromkeys([*a, *b]):
        one, other = a.get(name), b.get(name)
        changed = [k for k in ABOUT if one is None or other is None or one[k] != other[k]]
        if changed:
            rows.append(
                {
                    "name": name,
                    "changed": ["only in one run"] if one is None or other is None else changed,
                    "first": None if one is None else _about(one, changed),
                    "second": None if other is None else _about(other, changed),
                }
            )
    return rows


def _about(entry: Row, keys: list[str]) -> str:
    return "; ".join(str(entry[k]) for k in keys)


def _outcomes(first: Row, second: Row, labels: Row) -> list[dict[str, Any]]:
    a, b = ({row["strategy"]: row for row in r["mean_outcomes"]} for r in (first, second))
    return [
        {"strategy": s, **_both(key, a.get(s), b.get(s)), "outcome": key}
        for key in ("costs", "effects")
        for s in labels
    ]


def _net_benefit(first: Row, second: Row, labels: Row) -> list[dict[str, Any]]:
    rows = []
    for wtp, a, b in _common_wtp(first, second):
        of_a, of_b = ({s["strategy"]: s for s in d["strategies"]} for d in (a, b))
        rows += [
            {"wtp": wtp, "strategy": s, "outcome": key, **_both(key, of_a.get(s), of_b.get(s))}
            for key in ("nmb", "probability_cost_effective")
            for s in labels
        ]
    return rows


def _decisions(first: Row, second: Row) -> list[dict[str, Any]]:
    return [
        {
            "wtp": wtp,
            "optimal_first": a["optimal"],
            "optimal_second": b["optimal"],
            "same": a["optimal"] == b["optimal"],
            **_both("evpi", a, b),
        }
        for wtp, a, b in _common_wtp(first, second)
    ]


def _common_wtp(first: Row, second: Row) -> list[tuple[float, Row, Row]]:
    b = {d["wtp"]: d for d in second["decision"]}
    return [(d["wtp"], d, b[d["wtp"]]) for d in first["decision"] if d["wtp"] in b]


def _both(key: str, a: Row | None, b: Row | None) -> dict[str, Any]:
    one, other = (None if row is None else row[key] for row in (a, b))
    return {
        "first": one,
        "first_standard_error": None if a is None else a.get(f"{key}_standard_error"),
        "second": other,
        "second_standard_error": None if b is None else b.get(f"{key}_standard_error"),
        "difference": None if one is None or other is None else other - one,
    }
