"""`psa-engine evppi` and `psa-engine evsi`: which uncertainty is worth resolving, and by which study."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from psa_engine.cli.run import requested
from psa_engine.cli.stored import stored
from psa_engine.cli.timings import Timings
from psa_engine.cli.workers import workers
from psa_engine.config import Analysis
from psa_engine.errors import ClusterError, InputError, nearest
from psa_engine.report.files import as_json, writable_folder, write_tables
from psa_engine.report.loudness import is_verbose
from psa_engine.report.terminal import console, evppi_table, evsi_table, print_heading, shows_progress


@dataclass(frozen=True)
class Asked:
    """What both commands are given: a configuration, changes to it, and where the results go."""

    config: str
    settings: Mapping[str, Any]
    assignments: tuple[str, ...] = ()
    out: Path | None = None
    as_json: bool = False
    allow_model_file: bool = False
    restart: bool = False
    keep_blocks: bool = False
    cluster: str | None = None

    @property
    def analysis(self) -> Analysis:
        return requested(self.config, self.settings, self.assignments, self.allow_model_file)


@contextmanager
def _problem(asked: Asked, analysis: Analysis, command: str, options: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the decision problem, its model runs made on a cluster where one is named.

    With a result folder they are stored there as they are made.
    """
    from psa_engine.engine.where import Where
    from psa_engine.voi.problem import Problem

    problem = Problem(analysis.model, analysis.parameters)
    if asked.out is None:
        try:
            with workers(asked.cluster) as compute:
                yield replace(problem, where=Where(compute))
        except ClusterError as error:
            error.hint = error.hint or "Nothing was kept. A run that names a folder with --out can go on."
            raise
        return
    again = {"settings": asked.settings, "assignments": list(asked.assignments), "options": options}
    again |= {"keep_blocks": asked.keep_blocks, "cluster": asked.cluster}
    place = writable_folder(asked.out)
    how: dict[str, Any] = {"restart": asked.restart, "keep": asked.keep_blocks, "options": options}
    with stored(place, command, analysis, again, **how) as store, workers(asked.cluster) as compute:
        yield replace(problem, where=Where(compute, store))


def evppi_command(asked: Asked, of: Sequence[str], method: str, rtol: float) -> None:
    """Estimate EVPPI of the sets named, or of every uncertain parameter and group."""
    from psa_engine.summary import described, evidence_counts, evppi_rows
    from psa_engine.voi.evppi import evppi, evppi_singles

    analysis, timings = asked.analysis, Timings()
    wtp = [float(w) for w in analysis.settings.wtp]
    how: dict[str, Any] = {"wtp": wtp, "method": method, "rtol": rtol, "seed": analysis.settings.seed}
    shown = console(stderr=asked.as_json)
    how["progress"] = shows_progress()
    with _problem(asked, analysis, "evppi", {"of": list(of), "method": method, "rtol": rtol}) as problem:
        with timings.part("Estimates, with compilation"):
            if of:
                estimates = [evppi(problem, of=text.split(","), **how) for text in of]
            else:
                estimates = list(evppi_singles(problem, **how))
                estimates += [evppi(problem, of=[group], **how) for group in analysis.groups]
        rows = evppi_rows(estimates, analysis)
        results = {**described(analysis), "evidence": evidence_counts(analysis), "wtp": wtp, "evppi": rows}
        if asked.out is not None:
            write_tables(asked.out, results, {"evppi": rows})
    if asked.as_json:
        typer.echo(as_json(results), nl=False)
        return
    print_heading(shown, results)
    shown.print(evppi_table(rows, analysis.currency))
    if is_verbose():
        for estimate in estimates:
            of_what = ", ".join(estimate.of)
            shown.print(
                f"{of_what}: {estimate.model_runs:,} model runs, {estimate.seconds:,.2f} s.", markup=False
            )
    timings.print(shown)


def evsi_command(asked: Asked, study: str | None, n: Sequence[int], method: str) -> None:
    """Estimate EVSI and ENBS of one candidate study of the configuration, or of all."""
    from psa_engine.engine.progress import progress_bar
    from psa_engine.summary import described, evidence_counts

    analysis, timings = asked.analysis, Timings()
    if not analysis.studies:
        raise InputError(f"{analysis.name} names no studies.", hint="Add them under `studies:`.")
    if study is not None and study not in analysis.studies:
        raise InputError(f"There is no study '{study}'.", hint=nearest(study, analysis.studies))
    names = [study] if study else list(analysis.studies)
    with _problem(asked, analysis, "evsi", {"study": study, "n": list(n), "method": method}) as problem:
        rows = []
        with progress_bar(len(names), "studies", shows_progress()) as advance:
            for name in names:
                with timings.part(f"{name}, with compilation"):
                    rows += _study_rows(analysis, problem, name, n, method)
                advance(1)
        results = {
            **described(analysis),
            "evidence": evidence_counts(analysis),
            "wtp": [float(w) for w in analysis.settings.wtp],
            "decision_population": _population_text(analysis),
            "evsi": rows,
        }
        if asked.out is not None:
            write_tables(asked.out, results, {"evsi": rows})
    if asked.as_json:
        typer.echo(as_json(results), nl=False)
        return
    shown = console()
    print_heading(shown, results)
    shown.print(evsi_table(rows, analysis.currency))
    timings.print(shown)


def _study_rows(
    analysis: Any, problem: Any, name: str, n: Sequence[int], method: str
) -> list[dict[str, Any]]:
    from psa_engine.summary import evsi_rows
    from psa_engine.voi.evppi import evppi
    from psa_engine.voi.evsi import evsi

    about = analysis.studies[name]
    design, sizes = about.study, list(n) or list(about.n)
    how: dict[str, Any] = {
        "wtp": [float(w) for w in analysis.settings.wtp],
        "seed": analysis.settings.seed,
    }
    curve = evsi(problem, study=design, n=sizes, method=method, **how)
    perfect = evppi(problem, of=list(design.parameters), **how)
    return evsi_rows(analysis, name, curve, perfect)


def _population_text(analysis: Any) -> dict[str, Any] | None:
    people = analysis.decision_population
    return people.model_dump() if people is not None else None
