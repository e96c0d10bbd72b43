"""A result in plain sentences: the decision, how sure it is, what being wrong costs, at which price it turns."""

from collections.abc import Mapping
from typing import Any

from psa_engine.report.numbers import cents, money, percent

Row = Mapping[str, Any]


def labels_of(results: Row) -> dict[str, str]:
    """Return the label of each strategy by name, a number kept on one line with its sign of percent."""
    return {s["strategy"]: s["label"].replace(" %", "\u00a0%") for s in results["strategies"]}


def decision_sentences(results: Row) -> list[str]:
    """Return one sentence or two for each willingness to pay."""
    labels, currency = labels_of(results), results["currency"]
    return [
        f"At {money(d['wtp'])} {currency} per QALY, {labels[d['optimal']]} has the highest expected net benefit. "
        f"It is the best choice in {percent(d['probability_optimal_is_cost_effective'])} of the draws; choosing under "
        f"this uncertainty loses {money(d['evpi'])} {currency} per person on average compared with knowing every input "
        f"(the expected value of perfect information)."
        for d in results["decision"]
    ]


def frontier_sentence(results: Row) -> str:
    """Return the strategies that no other dominates, with their ICERs."""
    labels, currency = labels_of(results), results["currency"]
    on = [r for r in results["incremental"] if r["status"] in ("reference", "on frontier")]
    if len(results["incremental"]) == 1:
        return f"{labels[on[0]['strategy']]} is the only strategy: there is nothing to compare it with."
    if len(on) < 2:
        return f"{labels[on[0]['strategy']]} costs least and gives most: it dominates every other strategy."
    steps = "; ".join(
        f"{labels[r['strategy']]} at {money(r['icer'])} {currency} per QALY against {labels[r['against']]}"
        for r in on[1:]
    )
    rest = len(results["incremental"]) - len(on)
    out = f" The other {rest} are dominated or extendedly dominated." if rest > 1 else ""
    out = " The other one is dominated or extendedly dominated." if rest == 1 else out
    return f"From {labels[on[0]['strategy']]}, the cheapest, the efficient steps are {steps}.{out}"


def price_sentences(results: Row) -> list[str]:
    """Return what each product of unknown price could cost and still be the best choice."""
    labels, currency = labels_of(results), results["currency"]
    sentences = []
    for row in results["threshold_prices"]:
        name = labels.get(row["product"], row["product"])
        at = f"At {money(row['wtp'])} {currency} per QALY, {name} would"
        if row["price"] is None:
            sentences.append(f"{at} not be the best choice at any price.")
            continue
        if row["price"] < 0:
            sentences.append(f"{at} not be the best choice even at no price.")
            continue
        error = row["standard_error"]
        spread = "" if error is None else f" (standard error {cents(error)})"
        run_at = "" if row["run_at"] is None else f"; this run took {cents(row['run_at'])}"
        limit = f"{cents(row['price'])} {currency}{spread} per {row['pack']}"
        sentences.append(f"{at} be the best choice up to a net price of {limit}{run_at}.")
    return sentences


def evidence_sentence(results: Row) -> str:
    """Return how much of the evidence is verified."""
    counts, total = results["evidence"], sum(results["evidence"].values())
    parts = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
    return f"Of {total} inputs, {parts}."


def worth_sentence(results: Row) -> str:
    """Return which parameter is most worth learning about, at the first willingness to pay."""
    first = [r for r in results["evppi"] if r["wtp"] == results["wtp"][0] and r["distinguishable"]]
    if not first:
        return ""
    top = first[0]
    return (
        f"Most worth knowing exactly is {top['of']} ({top['status']}): {money(top['evppi'])} {results['currency']} per "
        f"person at {money(top['wtp'])} per QALY."
    )
