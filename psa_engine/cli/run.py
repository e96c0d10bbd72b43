"""`psa-engine run`: load, run, summarise, write, print."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from psa_engine.cli.beside import Beside, beside
from psa_engine.cli.confidential import says_no_discount, with_discounts
from psa_engine.cli.demand import refuse_what_memory_cannot_hold
from psa_engine.cli.options import ALL
from psa_engine.cli.reduced import is_reduced_on_cluster, reduce_analysis
from psa_engine.cli.stored import stored
from psa_engine.cli.timings import Timings
from psa_engine.cli.workers import workers
from psa_engine.config import Analysis, load_analysis, parse_assignment
from psa_engine.report.files import as_json, csv_tables, default_folder, writable_folder, write_results
from psa_engine.report.loudness import is_verbose
from psa_engine.report.reading import write_page
from psa_engine.report.terminal import console as wide_console
from psa_engine.report.terminal import print_how, print_results, scenario_table, shows_progress

if TYPE_CHECKING:
    from psa_engine.engine.where import Where

WORTH_A_PROCESS = 2_000
"""Draws from which candidate studies are judged in a second process."""


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line; None in `settings` leaves the configuration's own."""

    config: str
    settings: Mapping[str, Any]
    assignments: tuple[str, ...] = ()
    scenario: str | None = None
    subgroup: str | None = None
    device: str = "auto"
    out: Path | None = None
    excel: Path | None = None
    figures: bool = False
    as_json: bool = False
    force: bool = False
    allow_model_file: bool = False
    block: int | None = None
    restart: bool = False
    keep_blocks: bool = False
    discounts: Path | None = None
    show_discounts: bool = False
    cluster: str | None = None
    reduce: bool = False
    sample_to: str | None = None

    @property
    def again(self) -> dict[str, Any]:
        """What a store must remember to make the same request again, the configuration apart."""
        kept = ("settings", "scenario", "subgroup", "device", "force", "block", "keep_blocks")
        kept += ("cluster", "reduce", "sample_to")
        excel = None if self.excel is None else str(self.excel.absolute())
        return {
            **{name: getattr(self, name) for name in kept},
            "assignments": list(self.assignments),
            "excel": excel,
        }


@says_no_discount
def run_analysis(request: Request) -> None:
    """Run what was asked for; write the result folder, then print tables or JSON."""
    from psa_engine.engine.where import Where
    from psa_engine.summary import shareable

    timings = Timings()
    with timings.part("Reading and checking"):
        base = requested(request.config, request.settings, request.assignments, request.allow_model_file)
        base = with_discounts(base, request.discounts, request.show_discounts)
        chosen = overlaid(base, request.scenario, request.subgroup)
    folder = writable_folder(request.out or default_folder(*_named(base, request)))
    if request.reduce or is_reduced_on_cluster(request, chosen):
        reduce_analysis(replace(request, reduce=True), chosen, folder)
        return
    if request.excel:
        from psa_engine.report.workbook import writable_workbook

        writable_workbook(request.excel)
    if not request.force:
        refuse_what_memory_cannot_hold(chosen, request.device)
    console = wide_console(stderr=request.as_json)
    others = every(chosen, request.scenario, request.subgroup)
    keep, again = request.keep_blocks, request.again
    with (
        studies_beside(chosen) as studies,
        stored(folder, "run", chosen, again, request.device, request.restart, keep) as store,
        workers(request.cluster) as compute,
    ):
        where = Where(compute, store)
        with console.status("Preparing", spinner="dots") if shows_progress() else _Quiet():
            results, sample = results_of(chosen, request, where, timings, studies)
        if others:
            with timings.part("Scenarios and subgroups"):
                results["scenarios"] = _all_rows(chosen, others, request.device, results, sample, where)
        with timings.part("Writing"):
            write_results(folder, results, shareable(sample, chosen.confidential))
            drawn = _write_for_readers(folder, results, request)
    rows = results.get("scenarios", [])
    if request.as_json:
        typer.echo(as_json(results), nl=False)
        return
    print_results(console, results)
    if rows:
        console.print(scenario_table(rows, {s["strategy"]: s["label"] for s in results["strategies"]}))
    also = ", figures/" if drawn else ""
    also += f", and the workbook {request.excel}" if request.excel else ""
    if is_verbose():
        print_how(console, results)
    timings.print(console)
    console.print(
        f"Written to {folder}: report.html, results.json, sample.parquet, tables/{also}.",
        markup=False,
        soft_wrap=True,
    )


def _write_for_readers(folder: Path, results: Mapping[str, Any], request: Request) -> list[Path]:
    """Write the page, and the figures and the workbook where they were asked for; return the figures."""
    from psa_engine.report.page import report_html

    write_page(folder / "report.html", report_html(results))
    if request.excel:
        from psa_engine.report.workbook import notes_of, write_workbook

        write_workbook(request.excel, notes_of(results), csv_tables(results))
    if not request.figures:
        return []
    from psa_engine.report.figures import write_figures

    return write_figures(folder, results)


class _Quiet:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def requested(
    config: str, settings: Mapping[str, Any], assignments: tuple[str, ...], allow_model_file: bool = False
) -> Analysis:
    """Load a configuration with the settings and `--set` values of the command line."""
    analysis = load_analysis(config, allow_model_file)
    given = {k: v for k, v in settings.items() if v is not None}
    if given:
        analysis = analysis.with_settings(**given)
    return analysis.with_overrides(dict(parse_assignment(text) for text in assignments))


def overlaid(analysis: Analysis, scenario: str | None, subgroup: str | None) -> Analysis:
    """Lay one scenario or subgroup over the analysis; `all` leaves it as it is."""
    if scenario not in (None, ALL):
        analysis = analysis.with_scenario(scenario)
    if subgroup not in (None, ALL):
        analysis = analysis.with_subgroup(subgroup)
    return analysis


def results_of(
    analysis: Analysis, request: Request, where: "Where", timings: Timings, studies: Beside
) -> tuple[dict[str, Any], Any]:
    """Run an analysis; return its summary and sample."""
    from psa_engine.engine import base_case
    from psa_engine.engine.blocks import BlockRunner
    from psa_engine.engine.run import sample_of
    from psa_engine.engine.where import here

    plan = replace(analysis.plan, device=request.device, block=request.block)  # type: ignore[arg-type]
    started = time.perf_counter()
    with timings.part("Draws, with compilation"):
        runner = BlockRunner(analysis.model, analysis.parameters, plan)
        if where.compute is here:
            _while_preparing(runner)
        assert where.store is not None
        blocks = where.store.blocks(plan.n_draws, runner.size, partial(where.compute, runner.run))
        sample = sample_of(runner, blocks, analysis.settings.comparator, shows_progress(), started)
    from psa_engine.summary import summarise
    from psa_engine.summary.information import ROWS, first_draws

    studies.give(first_draws(sample, ROWS))
    with timings.part("Base case, with compilation"):
        base = base_case(analysis.model, analysis.parameters, on_invalid=analysis.plan.on_invalid)
    with timings.part("Decision analysis and value of information"):
        results = summarise(analysis, sample, base, studies=studies.result)
    return results, sample


def _while_preparing(runner: Any) -> None:
    """Load the programs of a run in another thread, and here the libraries that its results need."""
    with ThreadPoolExecutor(1) as pool:
        ready = pool.submit(runner.prepare)
        import pandas  # noqa: F401
        import pyarrow.parquet  # noqa: F401

        import psa_engine.report.page
        import psa_engine.summary  # noqa: F401

        ready.exception()  # what fails here fails again in the first block, which says so


def studies_beside(analysis: Analysis) -> AbstractContextManager[Beside]:
    """Return the work on candidate studies, which takes about as long as all else that a sample is read for."""

    def prepare() -> None:
        import psa_engine.voi.evsi  # noqa: F401

    def rows(sample: Any) -> Any:
        from psa_engine.summary import sample_evsi_rows

        return sample_evsi_rows(analysis, sample, analysis.settings.wtp)

    return beside(
        prepare, rows, wanted=bool(analysis.studies) and analysis.settings.n_draws >= WORTH_A_PROCESS
    )


@dataclass(frozen=True)
class Other:
    """A scenario or subgroup: `label` is its name, with its kind where both have one of that name."""

    kind: str
    name: str
    label: str
    description: str
    analysis: Analysis


def every(analysis: Analysis, scenario: str | None, subgroup: str | None) -> list[Other]:
    """Return what `all` stands for: the analysis under each scenario, then each subgroup."""
    scenarios = analysis.scenarios if scenario == ALL else {}
    subgroups = analysis.subgroups if subgroup == ALL else {}

    def label(kind: str, name: str) -> str:
        return f"{name} ({kind})" if name in scenarios and name in subgroups else name

    return [
        Other("scenario", n, label("scenario", n), s.description, analysis.with_scenario(n))
        for n, s in scenarios.items()
    ] + [
        Other("subgroup", n, label("subgroup", n), s.description, analysis.with_subgroup(n))
        for n, s in subgroups.items()
    ]


def _all_rows(
    analysis: Analysis,
    others: Sequence[Other],
    device: str,
    results: Mapping[str, Any],
    sample: Any,
    where: "Where",
) -> list[dict]:
    from psa_engine.engine.where import map_rows
    from psa_engine.summary import scenario_row, with_changes

    console = Console(stderr=True)
    rows = [scenario_row("base case", "", analysis, sample, results["wtp"])]
    numbers = ((k,) for k in range(len(others)))
    made = map_rows(
        partial(_row, others, device), numbers, where, lambda k: repr((others[k].kind, others[k].name))
    )
    for k, row in enumerate(made, 1):
        rows.append(row)
        if shows_progress():
            console.print(f"{k}/{len(others)} {others[k - 1].label}", style="dim", markup=False)
    return with_changes(rows)


def _row(others: Sequence[Other], device: str, k: int) -> dict[str, Any]:
    from psa_engine.engine import run_psa
    from psa_engine.summary import scenario_row

    other = others[k]
    analysis = other.analysis
    sample = run_psa(
        analysis.model,
        analysis.parameters,
        plan=analysis.plan,
        device=device,  # type: ignore[arg-type]
        comparator=analysis.settings.comparator,
    )
    return scenario_row(other.label, other.description, analysis, sample, analysis.settings.wtp)


def _named(analysis: Analysis, request: Request) -> list[str]:
    parts = [analysis.name]
    if request.scenario:
        parts.append("all-scenarios" if request.scenario == ALL else request.scenario)
    if request.subgroup:
        parts.append("all-subgroups" if request.subgroup == ALL else request.subgroup)
    return parts
