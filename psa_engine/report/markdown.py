"""Tables of a result as Markdown, for a README or a document; nothing is computed here."""

from collections.abc import Mapping
from typing import Any


def incremental_markdown(results: Mapping[str, Any]) -> str:
    """Return the fully incremental analysis with probabilities, and the decisions below it."""
    labels = {s["strategy"]: s["label"] for s in results["strategies"]}
    heads = [f"P(best) at {d['wtp']:,.0f}" for d in results["decision"]]
    lines = [
        "| strategy | costs | QALYs | ICER | status | " + " | ".join(heads) + " |",
        "|---|---:|---:|---:|---|" + "---:|" * len(heads),
    ]
    for row in results["incremental"]:
        chances = [
            f"{s['probability_cost_effective']:.0%}"
            for d in results["decision"]
            for s in d["strategies"]
            if s["strategy"] == row["strategy"]
        ]
        icer = "" if row["icer"] is None else f"{row['icer']:,.0f}"
        means = [f"{row['costs']:,.0f}", f"{row['effects']:.3f}"]
        cells = [labels[row["strategy"]], *means, icer, row["status"], *chances]
        lines.append(f"| {' | '.join(cells)} |")
    lines.append("")
    lines += [
        f"At {d['wtp']:,.0f} {results['currency']} per QALY: {labels[d['optimal']]}; EVPI {d['evpi']:,.0f} "
        f"(standard error {d['evpi_standard_error']:,.0f}) per person."
        for d in results["decision"]
    ]
    lines += [_price(row, labels[row["strategy"]]) for row in results["threshold_prices"]]
    return "\n".join(lines)


def _price(row: Mapping[str, Any], label: str) -> str:
    at = f"At {row['wtp']:,.0f}, {label} would"
    if row["price"] is None or row["price"] < 0:
        return (
            f"{at} not be the best choice {'at any price' if row['price'] is None else 'even at no price'}."
        )
    return f"{at} be the best choice up to a net price of {row['price']:,.0f} per {row['pack']}."


def evppi_markdown(results: Mapping[str, Any], most: int = 10) -> str:
    """Return the value of knowing the leading parameters and groups at the first WTP, with their evidence."""
    first = [row for row in results["evppi"] if row["wtp"] == results["wtp"][0]][:most]
    lines = [
        f"| at {results['wtp'][0]:,.0f} {results['currency']} per QALY | evidence | EVPPI | standard error |",
        "|---|---|---:|---:|",
    ]
    for row in first:
        value = f"{row['evppi']:,.0f}" if row["distinguishable"] else "not distinguishable from 0"
        lines.append(f"| {_name(row['of'])} | {row['status']} | {value} | {row['standard_error']:,.0f} |")
    return "\n".join(lines)


def studies_markdown(results: Mapping[str, Any]) -> str:
    """Return each candidate study at the size of highest net benefit among those run, at the first WTP."""
    first = [row for row in results["evsi"] if row["wtp"] == results["wtp"][0]]
    at = f"at {results['wtp'][0]:,.0f} {results['currency']} per QALY"
    lines = [
        f"| {at} | patients | EVSI | ENBS, million | standard error |",
        "|---|---:|---:|---:|---:|",
    ]
    for study in dict.fromkeys(row["study"] for row in first):
        best = max((row for row in first if row["study"] == study), key=lambda row: row["enbs"])
        value = f"{best['evsi']:,.0f}" if best["distinguishable"] else "not distinguishable from 0"
        net, error = (f"{best[key] / 1e6:,.1f}" for key in ("enbs", "enbs_standard_error"))
        lines.append(f"| {_name(study)} | {best['n']:,} | {value} | {net} | {error} |")
    return "\n".join(lines)


def severity_markdown(results: Mapping[str, Any]) -> str:
    """Return the QALY shortfall and the weight it gives, in a sentence."""
    found = results["severity"]
    return (
        f"People of this age and sex expect {found['general_population_qalys']:.2f} QALYs (discounted), with standard "
        f"care {found['standard_care_qalys']:.2f}: an absolute shortfall of {found['absolute_shortfall']:.2f} QALYs, a "
        f"proportional one of {found['proportional_shortfall']:.0%}, so the weight is {found['weight']:g}."
    )


def _name(text: str) -> str:
    return text.replace("_", " ")
