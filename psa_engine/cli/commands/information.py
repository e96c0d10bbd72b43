"""`evppi`, `evsi` and `analyse`: the value of information."""

from pathlib import Path
from typing import Annotated

import typer

from psa_engine.cli.options import (
    AllowModelFile,
    AsJson,
    Cluster,
    Config,
    KeepBlocks,
    Out,
    Quiet,
    Restart,
    Seed,
    Sets,
    Verbose,
    Wtp,
)


def evppi(
    config: Config,
    of: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B", help="Parameters or groups taken together; repeat for more."),
    ] = None,
    method: Annotated[str, typer.Option(help="auto, or an estimator by name.")] = "auto",
    rtol: Annotated[
        float, typer.Option(help="Half of the 95 % interval aimed at, relative to EVPPI or a 20th of EVPI.")
    ] = 1e-3,
    wtp: Wtp = None,
    seed: Seed = None,
    set_: Sets = None,
    out: Out = None,
    as_json: AsJson = False,
    allow_model_file: AllowModelFile = False,
    restart: Restart = False,
    keep_blocks: KeepBlocks = False,
    cluster: Cluster = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Rank parameters and groups by the value of perfect information about them."""
    from psa_engine.cli.information import Asked, evppi_command

    settings, more = (
        {"wtp": wtp, "seed": seed},
        (out, as_json, allow_model_file, restart, keep_blocks, cluster),
    )
    evppi_command(Asked(config, settings, tuple(set_ or ()), *more), of or (), method, rtol)


def evsi(
    config: Config,
    study: Annotated[str | None, typer.Option(help="A study of the configuration; all unless given.")] = None,
    n: Annotated[str | None, typer.Option(metavar="50,100,...", help="Numbers of patients.")] = None,
    method: Annotated[str, typer.Option(help="auto, or an estimator by name.")] = "auto",
    wtp: Wtp = None,
    seed: Seed = None,
    set_: Sets = None,
    out: Out = None,
    as_json: AsJson = False,
    allow_model_file: AllowModelFile = False,
    restart: Restart = False,
    keep_blocks: KeepBlocks = False,
    cluster: Cluster = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Estimate the value of candidate studies over a grid of sizes, and what is left after their cost."""
    from psa_engine.cli.information import Asked, evsi_command
    from psa_engine.errors import InputError

    try:
        sizes = [int(x) for x in n.split(",")] if n else []
    except ValueError:
        raise InputError(f"--n takes whole numbers with commas between, and got '{n}'.") from None
    settings, more = (
        {"wtp": wtp, "seed": seed},
        (out, as_json, allow_model_file, restart, keep_blocks, cluster),
    )
    evsi_command(Asked(config, settings, tuple(set_ or ()), *more), study, sizes, method)


def analyse(
    costs: Annotated[Path, typer.Option(help="CSV of costs, draw x strategy.")],
    effects: Annotated[Path, typer.Option(help="CSV of effects, draw x strategy.")],
    parameters: Annotated[Path | None, typer.Option(help="CSV of parameters, draw x parameter.")] = None,
    wtp: Annotated[list[float] | None, typer.Option(help="Willingness to pay; repeat for more.")] = None,
    comparator: Annotated[str | None, typer.Option(help="The strategy the others are compared with.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(metavar="NAME=A,B", help="A group of parameters; repeat for more.")
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
    cluster: Cluster = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Analyse a PSA sample made anywhere: R, Excel, WinBUGS or here."""
    from psa_engine.cli.analyse import analyse as analyse_tables
    from psa_engine.errors import InputError

    groups = {}
    for text in group or ():
        name, _, members = text.partition("=")
        if not members:
            raise InputError(f"--group takes NAME=A,B and got '{text}'.")
        groups[name] = members.split(",")
    analyse_tables(costs, effects, parameters, wtp or [], comparator, groups, out, as_json, cluster)
