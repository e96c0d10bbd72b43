"""`psa-engine analyse`: what a PSA sample made elsewhere (R, a spreadsheet, WinBUGS) says."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from psa_engine.cli.timings import Timings
from psa_engine.cli.workers import workers
from psa_engine.errors import InputError, nearest
from psa_engine.report.files import as_json as json_text
from psa_engine.report.files import writable_folder, write_tables
from psa_engine.report.terminal import console, decision_table, evppi_table, incremental_table

if TYPE_CHECKING:
    from psa_engine.engine.where import Compute
    from psa_engine.sample import PsaSample

_UNIT = "in the money of the costs"


def analyse(
    costs: Path,
    effects: Path,
    parameters: Path | None,
    wtp: list[float],
    comparator: str | None,
    groups: dict[str, list[str]],
    out: Path | None,
    as_json: bool,
    cluster: str | None = None,
) -> None:
    """Print, and write to `out`, incremental analysis, CEAC, CEAF, EVPI and EVPPI of a sample in CSV files.

    EVPPI of every parameter and of the named groups is by regression. Raises InputError for tables that do
    not belong together, a WTP not above 0, and groups that name unknown parameters.
    """
    if out is not None:
        writable_folder(out)
    timings = Timings()
    with timings.part("Reading"):
        sample, notes = read_sample(costs, effects, parameters, comparator)
    with timings.part("Decision analysis and value of information"), workers(cluster) as compute:
        results = results_of(sample, wtp, groups, notes, compute)
    if out is not None:
        write_tables(out, results, csv_tables(results))
    if as_json:
        typer.echo(json_text(results), nl=False)
        return
    print_analysis(results)
    timings.print(console())
    if out is not None:
        console().print(f"Written to {out}: results.json, tables/.", soft_wrap=True, markup=False)


def read_sample(
    costs: Path, effects: Path, parameters: Path | None, comparator: str | None
) -> "tuple[PsaSample, list[str]]":
    """Return the sample in CSV files, and notes on what was put right or looks wrong."""
    from psa_engine.sample import PsaSample

    given = {"costs": costs, "effects": effects, "parameters": parameters}
    tables = [_table(path, what) for what, path in given.items()]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sample = PsaSample.from_tables(*tables, comparator=comparator)
    notes = [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]
    if list(tables[0].columns) != list(tables[1].columns):
        notes.append("The effects have their columns in another order than the costs: matched by name.")
    return sample, notes


def _table(path: Path | None, what: str) -> Any:
    from psa_engine.sample.csv_files import read_csv_table

    if path is None:
        return None
    if not path.is_file():
        raise InputError(f"There is no file '{path}' of {what}.", hint="Give a CSV file with a header.")
    return read_csv_table(path)


def results_of(
    sample: "PsaSample",
    wtp: Sequence[float],
    groups: Mapping[str, Sequence[str]],
    notes: Sequence[str],
    compute: "Compute",
) -> dict[str, Any]:
    """Return the results of a sample as JSON-ready values; `compute` makes the fits."""
    from psa_engine.decision import DEFAULT_WTP, icers, pairwise_icers
    from psa_engine.summary import records
    from psa_engine.summary.run import acceptability_rows, decision_rows, outcome_rows

    at = [float(w) for w in wtp] or list(DEFAULT_WTP)
    if not all(0 < w < float("inf") for w in at):
        raise InputError(f"Every WTP must be a number above 0, got {', '.join(f'{w:g}' for w in at)}.")
    rows, more = evppi_rows_of(sample, at, groups, compute)
    return {
        "n_draws": sample.n_draws,
        "comparator": sample.comparator or sample.strategies[0],
        "wtp": at,
        "strategies": [{"strategy": s, "label": s} for s in sample.strategies],
        "notes": [*notes, *more],
        "mean_outcomes": outcome_rows(sample),
        "incremental": records(icers(sample)),
        "pairwise": records(pairwise_icers(sample, sample.comparator, at)),
        "decision": decision_rows(sample, at),
        "acceptability": acceptability_rows(sample, at),
        "evppi": rows,
    }


def evppi_rows_of(
    sample: "PsaSample", wtp: list[float], groups: Mapping[str, Sequence[str]], compute: "Compute"
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the EVPPI of every parameter and group, the most valuable first, and notes.

    A set that the draws do not suffice for is left out with a note.
    """
    from psa_engine.summary import evppi_rows
    from psa_engine.voi.regression import outcomes

    for group, members in groups.items():
        _refuse_unknown(group, members, sample)
    estimates, notes = [], []
    sets = [*((name, (name,)) for name in sample.parameter_values), *groups.items()]
    fits = compute(
        partial(_fit, outcomes(sample, 0), sample, wtp), ((tuple(members),) for _, members in sets)
    )
    for (name, _), found in zip(sets, fits, strict=True):
        if isinstance(found, str):
            notes.append(f"EVPPI of '{name}' is left out: {found}")
            continue
        estimates.append(replace(found, of=(name,)))
        notes += [note for note in found.diagnostics["notes"] if note not in notes]
    by_name = {estimate.of[0]: estimate for estimate in estimates}
    rows = evppi_rows(estimates)
    for i, row in enumerate(rows):  # evppi_rows keeps the WTPs of an estimate together, in order
        estimate, k = by_name[row["of"]], i % len(wtp)
        row["low"], row["high"] = (float(end[k]) for end in estimate.bracket)
    return rows, notes


def _fit(prepared: Any, sample: "PsaSample", wtp: list[float], of: tuple[str, ...]) -> Any:
    """Return the EVPPI of a set, or why there is none."""
    import numpy as np

    from psa_engine.voi.regression import estimate_from

    try:
        return estimate_from(prepared, sample, of, np.array(wtp))
    except InputError as error:
        return str(error)


def _refuse_unknown(group: str, members: Sequence[str], sample: "PsaSample") -> None:
    known = sample.parameter_values
    if not known:
        raise InputError(f"The group '{group}' needs a table of parameters: give --parameters.")
    if group in known:
        raise InputError(f"The group '{group}' has the name of a parameter: give it another.")
    if not members or not all(members):
        raise InputError(f"The group '{group}' is empty: name its parameters with commas between.")
    for member in members:
        if member not in known:
            raise InputError(f"The group '{group}' names '{member}'.", hint=nearest(member, known))


def csv_tables(results: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of an analysis by file name, rows flat."""
    grid = results["acceptability"]
    return {
        "mean_outcomes": results["mean_outcomes"],
        "incremental": results["incremental"],
        "pairwise": results["pairwise"],
        "decision": [{k: v for k, v in d.items() if k != "strategies"} for d in results["decision"]],
        "net_benefit": [{"wtp": d["wtp"], **s} for d in results["decision"] for s in d["strategies"]],
        "ceac": [{"wtp": g["wtp"], **g["probability"]} for g in grid],
        "ceaf": [
            {"wtp": g["wtp"], "strategy": g["optimal"], "probability": g["probability"][g["optimal"]]}
            for g in grid
        ],
        "expected_loss": [{"wtp": g["wtp"], **g["expected_loss"]} for g in grid],
        "evpi": [{"wtp": g["wtp"], "evpi": g["evpi"]} for g in grid],
        "evppi": results["evppi"],
    }


def print_analysis(results: Mapping[str, Any]) -> None:
    """Print the tables and notes of an analysis."""
    shown = console()
    n, strategies = results["n_draws"], results["strategies"]
    shown.print(f"{n:,} draws of {len(strategies)} strategies; money and effects as in the tables given.")
    shown.print(incremental_table(results))
    for row in results["pairwise"]:
        shown.print(f"{row['comparison']}: {row['quadrant']}.", markup=False)
    shown.print(decision_table(results))
    for row in results["decision"]:
        shown.print(
            f"At {row['wtp']:,.10g}: {row['optimal']} has the highest mean net benefit, cost-effective in "
            f"{row['probability_optimal_is_cost_effective']:.0%} of draws; EVPI {row['evpi']:,.5g} "
            f"(SE {row['evpi_standard_error']:,.3g}) per person.",
            markup=False,
        )
    if results["evppi"]:
        shown.print(evppi_table(results["evppi"], _UNIT))
    for note in results["notes"]:
        shown.print(f"Note: {note}", markup=False)
