"""`psa-engine benchmark`: run the suite that ships with the package, keep what it measured, show it."""

import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from psa_engine.errors import InputError, ModelError
from psa_engine.report.benchmark import benchmark_table, measured_rows
from psa_engine.report.files import as_json as written
from psa_engine.report.terminal import console

_PACKAGE = Path(__file__).parents[1]


def suite() -> Path:
    """Return the folder of the benchmarks: beside a source checkout, inside an installed package."""
    found = [
        f for f in (_PACKAGE.parent / "benchmarks", _PACKAGE / "benchmarks") if (f / "fair.py").is_file()
    ]
    if not found:
        raise InputError("The benchmarks were not installed with this package.")
    return found[0]


def run_benchmarks(quick: bool, long: bool, out: Path | None, as_json: bool, only: str | None) -> None:
    """Run the suite in a process of its own; raises InputError without pytest-benchmark or for
    options that contradict each other, ModelError where a benchmark fails.
    """
    if quick and long:
        raise InputError("--quick measures less and --long more: choose one.")
    if find_spec("pytest_benchmark") is None:
        raise InputError("The benchmarks need pytest-benchmark.", hint="pip install 'psa-engine[benchmark]'")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.json"
        command = [sys.executable, "-m", "pytest", str(suite()), f"--benchmark-json={raw}", *_SETTINGS]
        command += (["--quick"] if quick else []) + (["--long", "--capture=no"] if long else [])
        command += ["-k", only] if only else []
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        done = subprocess.run(
            command, stdout=sys.stderr if sys.stderr.isatty() else subprocess.PIPE, text=True
        )
        if done.returncode == 5:
            raise InputError(f"No benchmark's name holds '{only}'.")
        if done.returncode:
            raise ModelError("A benchmark failed.\n" + (done.stdout or "")[-2000:])
        if not raw.is_file() or not raw.stat().st_size:
            hint = "Leave out --quick." if quick else None
            raise InputError(f"Nothing was measured: {_reasons(done.stdout)}.", hint=hint)
        measured = measured_rows(json.loads(raw.read_text(encoding="utf-8")))
        results = {"quick": quick, "long": long, "load_before": load, **measured}
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(written(results), encoding="utf-8")
    if as_json:
        typer.echo(written(results), nl=False)
    else:
        _show(results)


def _reasons(said: str | None) -> str:
    """Return why benchmarks were skipped, as pytest said it, each reason once."""
    found = re.findall(r"^SKIPPED \[\d+\] \S+ (.*)$", said or "", re.MULTILINE)
    return "; ".join(dict.fromkeys(found)) or "every benchmark was skipped, for the reasons above"


_SETTINGS = [
    "-q",
    "-rs",
    "--benchmark-disable-gc",
    "-p",
    "no:cacheprovider",
    "-c",
    "/dev/null" if sys.platform != "win32" else "NUL",
    "-o",
    "python_files=bench_*.py",
    "-o",
    "python_functions=bench_*",
    "--benchmark-columns=median,iqr,rounds",
]


def _show(results: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    header, rows = benchmark_table(results)
    table = Table(title=f"{results['machine']}, {results['date'][:10]}, commit {results['commit'][:12]}")
    for name in header:
        table.add_column(name, justify="left" if name in header[:2] else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    console().print(table)
