"""`psa-engine sweep`: a PSA at every point of a grid, its rows streamed to a Parquet file."""

from collections.abc import Iterator
from shutil import rmtree
from typing import Any

from rich.markup import escape

from psa_engine.cli.asked import Asked
from psa_engine.cli.confidential import refuse_confidential, says_no_discount
from psa_engine.cli.options import ALL
from psa_engine.cli.stored import stored
from psa_engine.cli.values import grid, known_values, split
from psa_engine.cli.workers import workers
from psa_engine.config import Analysis
from psa_engine.errors import InputError
from psa_engine.report.files import writable_folder
from psa_engine.report.parquet_rows import ParquetRows
from psa_engine.report.terminal import console, shows_progress

BASE = "base case"
UNFINISHED = ".unfinished"
"""How the name of the folder ends in which the points of a sweep are stored."""


@says_no_discount
def sweep_command(
    asked: Asked,
    over: tuple[str, ...],
    scenario: str | None,
    subgroup: str | None,
    restart: bool = False,
    keep: bool = False,
    cluster: str | None = None,
) -> None:
    """Run the grid and write its rows as they come; points are stored in `<out>.unfinished` until all are done."""
    from psa_engine.engine.progress import progress_bar
    from psa_engine.engine.where import Where
    from psa_engine.sensitivity.sweep import grid_points, sweep

    analysis = asked.analysis()
    wtp = [float(w) for w in analysis.settings.wtp]
    grids: dict[str, list[float]] = {}
    for text in over:
        name, values = split(text, "--over")
        if name in grids:
            raise InputError(f"'{name}' is given twice.", path="--over", hint="Give each parameter one grid.")
        grids[name] = grid(values, "--over")
        known_values(analysis, name, grids[name], "--over")
        refuse_confidential(analysis, name)
    scenarios = _names(scenario, analysis.scenarios)
    subgroups = _names(subgroup, analysis.subgroups)
    points = grid_points(grids)
    n_points = len(points) * len(scenarios) * len(subgroups)
    if n_points < 2:
        raise InputError(
            "A sweep of one point is a run.",
            hint="Give --over, --scenario or --subgroup, or use psa-engine run.",
        )
    assert asked.out is not None
    shown = console()
    options = {"over": list(over), "scenario": scenario, "subgroup": subgroup}
    again = {"settings": asked.settings, "assignments": list(asked.assignments), "options": options}
    again |= {"keep": keep, "cluster": cluster}
    place = writable_folder(asked.out.with_name(f"{asked.out.name}{UNFINISHED}"))
    with (
        stored(place, "sweep", analysis, again, restart=restart, keep=keep, options=options) as store,
        workers(cluster) as compute,
        ParquetRows(asked.out) as file,
        progress_bar(n_points, "points", shows_progress()) as advance,
    ):
        settings = list(_settings(analysis, scenarios, subgroups))
        for rows in sweep(settings, points, wtp, Where(compute, store)):
            file.add(rows)
            advance(1)
    if not keep:
        rmtree(place, ignore_errors=True)
    for words in analysis.applied:
        shown.print(f"With {escape(words)}.")
    shown.print(
        f"{n_points:,} points of {analysis.plan.n_draws:,} draws each, the same draws at all: {file.count:,} rows in "
        f"{asked.out}."
    )
    asked.timings.lap("Runs, with compilation")
    asked.timings.print(shown)


def _names(text: str | None, known: Any) -> list[str]:
    """Return the base case and the names asked for, each once."""
    if text is None:
        return [BASE]
    asked = known if text == ALL else [name.strip() for name in text.split(",")]
    return list(dict.fromkeys([BASE, *asked]))


def _settings(analysis: Analysis, scenarios: list[str], subgroups: list[str]) -> Iterator[Any]:
    from psa_engine.sensitivity.sweep import Setting

    for scenario in scenarios:
        under = analysis if scenario == BASE else analysis.with_scenario(scenario)
        for subgroup in subgroups:
            within = under if subgroup == BASE else under.with_subgroup(subgroup)
            labels = {"scenario": scenario, "subgroup": "all" if subgroup == BASE else subgroup}
            yield Setting(labels, within.model, within.parameters, within.plan)
