"""`psa-engine check`: validate, base case, cohort traces, evidence ledger; no draws."""

from typing import Any

from psa_engine.cli.run import every, overlaid, requested
from psa_engine.report.terminal import console, ledger_table, print_heading, trace_table

POINTS = 9
"""Time points of the cohort trace that are shown."""


def check_analysis(
    config: str,
    assignments: tuple[str, ...],
    scenario: str | None,
    subgroup: str | None,
    ledger: bool,
    allow_model_file: bool = False,
) -> None:
    """Print what a configuration holds and gives at its base case; raises InputError for the first fault."""
    from psa_engine.engine import evaluate
    from psa_engine.summary import base_case_rows, described, evidence_counts

    analysis = overlaid(requested(config, {}, assignments, allow_model_file), scenario, subgroup)
    others = every(analysis, scenario, subgroup)
    at, parameters = analysis.parameters.means(), None if others else analysis.parameters
    on_invalid = analysis.plan.on_invalid
    base = evaluate(analysis.model, at, parameters=parameters, device="cpu", on_invalid=on_invalid)
    results: dict[str, Any] = {**described(analysis), "evidence": evidence_counts(analysis)}
    out = console()
    print_heading(out, results)
    rows = base_case_rows(base, [float(w) for w in analysis.settings.wtp])
    out.print(_base_case_table(analysis, rows))
    if hasattr(analysis.model, "timeline"):
        for strategy in base.strategies:
            out.print(trace_table(f"Cohort: {analysis.label(strategy)}", _trace_rows(analysis, strategy)))
    if ledger:
        out.print(ledger_table({"ledger": [vars(e) for e in analysis.ledger]}))
    for other in others:
        under = other.analysis
        # One program for all of them, although a PSA of each may use fewer edges.
        evaluate(under.model, under.parameters.means(), device="cpu", on_invalid=under.plan.on_invalid)
        out.print(f"{other.label} is valid.")
    out.print(f"{analysis.name} is valid.")


def _base_case_table(analysis: Any, rows: list[dict[str, Any]]) -> Any:
    from psa_engine.report.terminal import base_case_table

    return base_case_table(rows, {s: analysis.label(s) for s in analysis.strategies})


def _trace_rows(analysis: Any, strategy: str) -> list[dict[str, Any]]:
    import numpy as np

    from psa_engine.engine import cohort_trace
    from psa_engine.summary import records

    trace = cohort_trace(analysis.model, analysis.parameters.means(), strategy).reset_index()
    shown = np.unique(np.geomspace(1, len(trace), POINTS).astype(int)) - 1
    return records(trace.iloc[shown])
