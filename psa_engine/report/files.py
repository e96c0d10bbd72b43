"""The result folder: results.json, the sample, and every table as CSV."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError
from psa_engine.sample import PsaSample
from psa_engine.store.files import write_atomically, written_atomically

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))}
"""Names that Windows takes for devices in any folder."""


def default_folder(*parts: str) -> Path:
    """Return results/NAME below the folder one is in, NAME made of `parts` and fit for a folder on any system.

    InputError where a link stands in its place: only --out may point elsewhere.
    """
    name = re.sub(r"[^\w.-]+", "_", "-".join(parts)).strip(".") or "_"
    folder = Path("results") / (f"{name}_" if name.lower() in _DEVICES else name)
    for path in (folder.parent, folder):
        if path.is_symlink():
            raise InputError(
                f"'{path}' is a link to {path.readlink()}, and nothing is written through it.",
                hint="Remove it, or give the folder with --out.",
            )
    return folder


def writable_folder(path: Path) -> Path:
    """Make the folder and try writing in it, before anything is run; raises InputError where it cannot.

    Nor where the folder holds a link, through which a result could replace a file elsewhere.
    """
    probe = path / ".writable"
    try:
        for held in (*path.glob("*"), *path.glob(".*"), *path.glob("tables/*")):
            if held.is_symlink():
                raise InputError(
                    f"'{held}' is a link, and nothing is written through it.",
                    hint="Remove it, or give another folder with --out.",
                )
        (path / "tables").mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"The result folder '{path}' cannot be written: {error.strerror or error}.",
            hint="Give another with --out.",
        ) from None
    return path


def write_results(folder: Path, results: Mapping[str, Any], sample: PsaSample) -> None:
    """Write results.json, sample.parquet and tables/*.csv."""
    write_atomically(folder / "results.json", as_json(results).encode())
    with written_atomically(folder / "sample.parquet") as part:
        sample.to_parquet(part)
    for name, rows in csv_tables(results).items():
        _write_csv(folder / "tables" / f"{name}.csv", rows)


def write_tables(
    folder: Path, results: Mapping[str, Any], tables: Mapping[str, list[dict[str, Any]]]
) -> None:
    """Write results.json and the given tables into a folder, which is made."""
    writable_folder(folder)
    write_atomically(folder / "results.json", as_json(results).encode())
    for name, rows in tables.items():
        _write_csv(folder / "tables" / f"{name}.csv", rows)


def as_json(results: Mapping[str, Any]) -> str:
    """Return results as indented JSON; refuses what JSON cannot hold rather than writing NaN."""
    return json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def csv_tables(results: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of a result by file name, rows flat."""
    grid = results["acceptability"]
    by_wtp = [{"wtp": d["wtp"], **s} for d in results["decision"] for s in d["strategies"]]
    return {
        "base_case": [{k: v for k, v in row.items() if k != "components"} for row in results["base_case"]],
        "mean_outcomes": results["mean_outcomes"],
        "components": results["components"],
        "incremental": results["incremental"],
        "pairwise": results["pairwise"],
        "decision": [{k: v for k, v in d.items() if k != "strategies"} for d in results["decision"]],
        "net_benefit": by_wtp,
        "ceac": [{"wtp": g["wtp"], **g["probability"]} for g in grid],
        "expected_loss": [{"wtp": g["wtp"], **g["expected_loss"]} for g in grid],
        "evpi": [{"wtp": g["wtp"], "optimal": g["optimal"], "evpi": g["evpi"]} for g in grid],
        "threshold_prices": results["threshold_prices"],
        "evidence": results["ledger"],
        "evppi": results["evppi"],
        "evsi": results["evsi"],
        **sensitivity_tables(results),
        "scenarios": [{k: v for k, v in r.items() if k != "wtp"} for r in results.get("scenarios", [])],
    }


def sensitivity_tables(results: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the sensitivity tables that a result has by file name, rows flat."""
    tornado, severity, settling, budget = (
        results.get(k) or {} for k in ("tornado", "severity", "convergence", "budget_impact")
    )
    return {
        "tornado": tornado.get("bars", []),
        "price_curves": [
            {"product": c["product"], **p} for c in results.get("price_curves", []) for p in c["points"]
        ],
        "severity": [{k: v for k, v in severity.items() if not isinstance(v, list | dict)}]
        if severity
        else [],
        "severity_decisions": severity.get("decisions", []),
        "convergence": settling.get("rows", []),
        "draws_needed": settling.get("needed", []),
        "budget_impact": budget.get("years", []),
        "budget_per_person": budget.get("per_person", []),
    }


def _write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    rows = list(rows)
    if not rows:
        return
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([_safe(c) for c in columns])
    writer.writerows([_safe(row.get(c, "")) for c in columns] for row in rows)
    write_atomically(path, text.getvalue().encode())


def _safe(value: Any) -> Any:
    """Keep a spreadsheet from running text as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
