"""`psa-engine replay`: one draw of an unfinished run, made again and shown."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from psa_engine.cli.resume import run_request
from psa_engine.cli.run import overlaid, requested
from psa_engine.cli.stored import unfinished
from psa_engine.report.files import as_json as json_of
from psa_engine.report.terminal import console

ROWS = 8
"""Time points of a trace that are shown: the first, and those up to where it breaks."""


def replay_command(folder: Path, draw: int, as_json: bool, allow_model_file: bool) -> None:
    """Show one draw of the unfinished run in a folder; raises InputError where there is no such run or draw."""
    from psa_engine.engine.replay import replay

    request = run_request(unfinished(folder), folder)
    analysis = requested(request.config, request.settings, request.assignments, allow_model_file)
    analysis = overlaid(analysis, request.scenario, request.subgroup)
    plan = replace(analysis.plan, device=request.device)  # type: ignore[arg-type]
    found = replay(analysis.model, analysis.parameters, plan, draw)
    traces = {strategy: _up_to_the_break(trace) for strategy, trace in found.traces.items()}
    if as_json:
        shown = {
            "draw": found.draw,
            "faults": found.faults,
            "parameters": found.parameters,
            "outcomes": found.outcomes,
            "traces": traces,
        }
        typer.echo(json_of(_plain(shown)), nl=False)
        return
    _print(analysis, found, traces)


def _print(analysis: Any, found: Any, traces: Mapping[str, list[dict[str, Any]]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from psa_engine.report.terminal import trace_table

    out = console()
    out.print(f"Draw {found.draw} of {analysis.plan.n_draws:,} of {escape(analysis.name)}.")
    table = Table("Parameter", "Value", title="Parameters")
    for name, value in found.parameters.items():
        table.add_row(escape(name), f"{value:.10g}")
    out.print(table)
    strategies = list(analysis.strategies)
    table = Table("Outcome", *(escape(analysis.label(s)) for s in strategies), title="Outcomes")
    for name, row in found.outcomes.items():
        table.add_row(escape(name), *(f"{row[s]:.8g}" for s in strategies))
    out.print(table)
    for strategy, rows in traces.items():
        out.print(trace_table(f"Cohort: {analysis.label(strategy)}", rows))
    for words in found.faults or ["Nothing is wrong with this draw."]:
        out.print(escape(words))


def _up_to_the_break(trace: Any) -> list[dict[str, Any]]:
    """Return the rows of a trace that lead to the first impossible share, or a few over its whole length."""
    import numpy as np

    from psa_engine.summary import records

    shares = trace.drop(columns="year").to_numpy()
    bad = np.flatnonzero(~((shares >= -1e-9) & (shares <= 1 + 1e-9)).all(axis=1))
    table = trace.reset_index()
    if len(bad):
        return records(table.iloc[max(0, bad[0] - ROWS + 2) : bad[0] + 2])
    return records(table.iloc[np.unique(np.linspace(0, len(table) - 1, ROWS).astype(int))])


def _plain(value: Any) -> Any:
    """JSON has no NaN or infinity: they become text."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
