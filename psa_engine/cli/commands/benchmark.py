"""`benchmark`: how fast this machine is, and whether it still gets the right answers."""

from pathlib import Path
from typing import Annotated

import typer

from psa_engine.cli.options import AsJson


def benchmark(
    quick: Annotated[
        bool, typer.Option("--quick", help="Less of everything: about a minute and a half.")
    ] = False,
    long: Annotated[
        bool, typer.Option("--long", help="Only the largest sizes: some ten minutes, 8 GB of memory.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Where to write the results as JSON.")] = None,
    as_json: AsJson = False,
    only: Annotated[str | None, typer.Option(help="Only benchmarks whose name holds this.")] = None,
) -> None:
    """Measure speed and correctness side by side, each against a plain NumPy reference."""
    from psa_engine.cli.benchmark import run_benchmarks

    run_benchmarks(quick=quick, long=long, out=out, as_json=as_json, only=only)
