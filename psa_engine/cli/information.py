"""`psa-engine evppi` and `psa-engine evsi`: which uncertainty is worth resolving, and by which study."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from psa_engine.cli.run import requested
from psa_engine.errors import InputError, nearest
from psa_engine.report.files import as_json, write_tables
from psa_engine.report.terminal import console, evppi_table, evsi_table, print_heading


def evppi_command(
    config: str,
    of: Sequence[str],
    settings: Mapping[str, Any],
    assignments: tuple[str, ...],
    method: str,
    rtol: float,
    out: Path | None,
    json: bool,
    allow_model_file: bool = False,
) -> None:
    """Estimate EVPPI of the sets named, or of every uncertain parameter and group."""
    from psa_engine.summary import described, evidence_counts, evppi_rows
    from psa_engine.voi.evppi import evppi, evppi_singles

    analysis = requested(config, settings, assignments, allow_model_file)
    wtp = [float(w) for w in analysis.settings.wtp]
    how: dict[str, Any] = {"wtp": wtp, "method": method, "rtol": rtol, "seed": analysis.settings.seed}
    shown = console(stderr=json)
    how["progress"] = shown.is_terminal
    model, parameters = analysis.model, analysis.parameters
    if of:
        estimates = [evppi(model, parameters, of=text.split(","), **how) for text in of]
    else:
        estimates = list(evppi_singles(model, parameters, **how))
        estimates += [evppi(model, parameters, of=[group], **how) for group in analysis.groups]
    rows = evppi_rows(estimates, analysis)
    results = {**described(analysis), "evidence": evidence_counts(analysis), "wtp": wtp, "evppi": rows}
    if out is not None:
        write_tables(out, results, {"evppi": rows})
    if json:
        typer.echo(as_json(results), nl=False)
        return
    print_heading(shown, results)
    shown.print(evppi_table(rows, analysis.currency))


def evsi_command(
    config: str,
    study: str | None,
    n: Sequence[int],
    settings: Mapping[str, Any],
    assignments: tuple[str, ...],
    method: str,
    out: Path | None,
    json: bool,
    allow_model_file: bool = False,
) -> None:
    """Estimate EVSI and ENBS of one candidate study of the configuration, or of all."""
    from psa_engine.summary import described, evidence_counts

    analysis = requested(config, settings, assignments, allow_model_file)
    if not analysis.studies:
        raise InputError(f"{analysis.name} names no studies.", hint="Add them under `studies:`.")
    if study is not None and study not in analysis.studies:
        raise InputError(f"There is no study '{study}'.", hint=nearest(study, analysis.studies))
    rows = [
        row
        for name in ([study] if study else list(analysis.studies))
        for row in _study_rows(analysis, name, n, method)
    ]
    results = {
        **described(analysis),
        "evidence": evidence_counts(analysis),
        "wtp": [float(w) for w in analysis.settings.wtp],
        "decision_population": _population_text(analysis),
        "evsi": rows,
    }
    if out is not None:
        write_tables(out, results, {"evsi": rows})
    if json:
        typer.echo(as_json(results), nl=False)
        return
    shown = console()
    print_heading(shown, results)
    shown.print(evsi_table(rows, analysis.currency))


def _study_rows(analysis: Any, name: str, n: Sequence[int], method: str) -> list[dict[str, Any]]:
    from psa_engine.summary import evsi_rows
    from psa_engine.voi.evppi import evppi
    from psa_engine.voi.evsi import evsi

    about = analysis.studies[name]
    design, sizes = about.study, list(n) or list(about.n)
    how: dict[str, Any] = {
        "wtp": [float(w) for w in analysis.settings.wtp],
        "seed": analysis.settings.seed,
    }
    model, parameters = analysis.model, analysis.parameters
    curve = evsi(model, parameters, study=design, n=sizes, method=method, **how)
    perfect = evppi(model, parameters, of=list(design.parameters), **how)
    return evsi_rows(analysis, name, curve, perfect)


def _population_text(analysis: Any) -> dict[str, Any] | None:
    people = analysis.decision_population
    return people.model_dump() if people is not None else None
