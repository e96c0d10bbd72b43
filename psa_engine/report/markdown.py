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
    lines += [
        f"At {row['wtp']:,.0f}, {labels[row['product']]} would be the best choice up to a net price of "
        f"{row['price']:,.0f} per {row['pack']}."
        for row in results["threshold_prices"]
    ]
    return "\n".join(lines)
