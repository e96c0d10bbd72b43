"""The commands. Everything heavy is imported inside them, so that help answers at once."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="psa-engine",
    help="Probabilistic sensitivity analysis and value of information for health-economic models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Sampler(StrEnum):
    random = "random"
    antithetic = "antithetic"
    latin_hypercube = "latin_hypercube"
    sobol = "sobol"


class Precision(StrEnum):
    double = "double"
    single = "single"


class Device(StrEnum):
    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


class OnInvalid(StrEnum):
    stop = "stop"
    clip = "clip"


Config = Annotated[
    str, typer.Argument(help="A YAML file, or the name of a configuration that ships (see list).")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="PARAMETER=VALUE", help="Hold a parameter at a value.")
]
ScenarioName = Annotated[
    str | None, typer.Option("--scenario", help="Run under a named scenario, or all of them.")
]
SubgroupName = Annotated[
    str | None, typer.Option("--subgroup", help="Run in a named subgroup, or all of them.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print results.json on stdout and nothing else.")]


def _print_version(asked: bool) -> None:
    if asked:
        from psa_engine import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None: ...


@app.command()
def run(
    config: Config,
    draws: Annotated[int | None, typer.Option(help="Number of draws.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws.")] = None,
    wtp: Annotated[
        list[float] | None, typer.Option(help="Willingness to pay per QALY; repeat for more.")
    ] = None,
    set_: Sets = None,
    scenario: ScenarioName = None,
    subgroup: SubgroupName = None,
    sampler: Annotated[Sampler | None, typer.Option(help="How draws are placed.")] = None,
    precision: Annotated[Precision | None, typer.Option(help="64- or 32-bit arithmetic.")] = None,
    device: Annotated[Device, typer.Option(help="Where to run.")] = Device.auto,
    on_invalid: Annotated[
        OnInvalid | None, typer.Option(help="Stop at, or clip, impossible probabilities.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Result folder; results/NAME unless given.")] = None,
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Run even where memory may not suffice.")] = False,
) -> None:
    """Run the probabilistic sensitivity analysis; print tables and write a result folder."""
    from psa_engine.cli.run import Request, run_analysis

    run_analysis(
        Request(
            config=config,
            settings={
                "n_draws": draws,
                "seed": seed,
                "wtp": wtp,
                "sampler": sampler and sampler.value,
                "precision": precision and precision.value,
                "on_invalid": on_invalid and on_invalid.value,
            },
            assignments=tuple(set_ or ()),
            scenario=scenario,
            subgroup=subgroup,
            device=device.value,
            out=out,
            as_json=as_json,
            force=force,
        )
    )


@app.command()
def check(
    config: Config,
    set_: Sets = None,
    scenario: ScenarioName = None,
    subgroup: SubgroupName = None,
    ledger: Annotated[bool, typer.Option(help="Print the evidence ledger.")] = True,
) -> None:
    """Validate a configuration; print its base case, cohort traces and evidence ledger."""
    from psa_engine.cli.check import check_analysis

    check_analysis(config, tuple(set_ or ()), scenario, subgroup, ledger)


@app.command()
def evppi(
    config: Config,
    of: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B", help="Parameters or groups taken together; repeat for more."),
    ] = None,
    method: Annotated[str, typer.Option(help="auto, or an estimator by name.")] = "auto",
    rtol: Annotated[float, typer.Option(help="Standard error aimed at, relative to EVPI.")] = 1e-3,
    wtp: Annotated[
        list[float] | None, typer.Option(help="Willingness to pay per QALY; repeat for more.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws.")] = None,
    set_: Sets = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and tables.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rank parameters and groups by the value of perfect information about them."""
    from psa_engine.cli.information import evppi_command

    settings = {"wtp": wtp, "seed": seed}
    evppi_command(config, of or (), settings, tuple(set_ or ()), method, rtol, out, as_json)


@app.command()
def evsi(
    config: Config,
    study: Annotated[str | None, typer.Option(help="A study of the configuration; all unless given.")] = None,
    n: Annotated[str | None, typer.Option(metavar="50,100,...", help="Numbers of patients.")] = None,
    method: Annotated[str, typer.Option(help="auto, or an estimator by name.")] = "auto",
    wtp: Annotated[
        list[float] | None, typer.Option(help="Willingness to pay per QALY; repeat for more.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the draws.")] = None,
    set_: Sets = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and tables.")] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate the value of candidate studies over a grid of sizes, and what is left after their cost."""
    from psa_engine.cli.information import evsi_command
    from psa_engine.errors import InputError

    try:
        sizes = [int(x) for x in n.split(",")] if n else []
    except ValueError:
        raise InputError(f"--n takes whole numbers with commas between, and got '{n}'.") from None
    settings = {"wtp": wtp, "seed": seed}
    evsi_command(config, study, sizes, settings, tuple(set_ or ()), method, out, as_json)


@app.command()
def analyse(
    costs: Annotated[Path, typer.Option(help="CSV of costs, draw x strategy.")],
    effects: Annotated[Path, typer.Option(help="CSV of effects, draw x strategy.")],
    parameters: Annotated[Path | None, typer.Option(help="CSV of parameters, draw x parameter.")] = None,
    wtp: Annotated[list[float] | None, typer.Option(help="Willingness to pay; repeat for more.")] = None,
    comparator: Annotated[str | None, typer.Option(help="The strategy the others are compared with.")] = None,
    group: Annotated[
        list[str] | None, typer.Option(metavar="NAME=A,B", help="A group of parameters; repeat for more.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for results.json and tables.")] = None,
    as_json: AsJson = False,
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
    analyse_tables(costs, effects, parameters, wtp or [], comparator, groups, out, as_json)


@app.command("list")
def list_() -> None:
    """List the configurations that ship with the package."""
    from psa_engine.config import check_config, config_names

    for name in config_names():
        typer.echo(f"{name:36} {check_config(name).config.title}")


@app.command()
def show(name: Annotated[str, typer.Argument(help="The name of a shipped configuration.")]) -> None:
    """Print a shipped configuration, to copy and change: psa-engine show NAME > mine.yaml."""
    from psa_engine.config import find_config

    typer.echo(find_config(name).read_text(encoding="utf-8"), nl=False)
