"""The tables of severity and of the budget, which only some analyses have."""

from psa_engine.report.numbers import money, percent, qalys
from psa_engine.report.page.tables import Row, Table, number, text
from psa_engine.report.words import labels_of


def severity(results: Row) -> Table | None:
    """The decisions with each severity weight; the caption says which applies and why."""
    found, labels = results.get("severity"), labels_of(results)
    if not found:
        return None
    rows = [
        [
            number(d["wtp"]),
            number(d["weight"], lambda w: f"{w:g}"),
            text("yes" if d["applies"] else "no"),
            text(labels[d["optimal"]]),
            number(d["inmb"], money, d["inmb_standard_error"]),
            number(d["weighted_icer"]),
        ]
        for d in found["decisions"]
    ]
    caption = (
        f"Severity: {labels[found['standard_care']]} leaves a shortfall of {qalys(found['absolute_shortfall'])} of "
        f"{qalys(found['general_population_qalys'])} QALYs ({percent(found['proportional_shortfall'])}), which weighs "
        f"QALYs by {found['weight']:g}. {labels[found['strategy']]} against {labels[found['comparator']]}:"
    )
    heads = [
        ("Willingness to pay", True), ("Weight", True), ("Applies", False), ("Best choice", False),
        ("Incremental net benefit", True), ("ICER, weighted", True),
    ]  # fmt: skip
    return Table("severity", caption, heads, rows)


def budget(results: Row) -> Table | None:
    """What the payer would spend in the coming years, now and with the change."""
    found = results.get("budget_impact")
    if not found or not found["years"]:
        return None
    keys = [k for k in found["years"][0] if k != "year"]
    rows = [[number(r["year"], lambda y: f"{y:g}"), *(number(r[k]) for k in keys)] for r in found["years"]]
    heads = [("Year", True), *((k.replace("_", " ").capitalize(), True) for k in keys)]
    caption = (
        f"Budget impact, {results['currency']}, undiscounted, at the parameters' means ({found['status']})"
    )
    return Table("budget", caption, heads, rows)
