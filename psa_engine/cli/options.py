"""Arguments and options that commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from psa_engine.errors import InputError
from psa_engine.report.loudness import LOUDNESS, Loudness

ALL = "all"
"""Every scenario or subgroup."""


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


def _say_nothing(asked: bool) -> None:
    _set_loudness("quiet", asked)


def _say_more(asked: bool) -> None:
    _set_loudness("verbose", asked)


def _set_loudness(loudness: Loudness, asked: bool) -> None:
    if asked and LOUDNESS.get() != "normal":
        raise InputError("--quiet and --verbose contradict each other.", hint="Give one of them.")
    if asked:
        LOUDNESS.set(loudness)


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print nothing but errors.", callback=_say_nothing)
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Say how long each part took, and on what.", callback=_say_more),
]
"""A command with these needs nothing more: what prints asks `report.loudness`."""

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
AllowModelFile = Annotated[
    bool,
    typer.Option("--allow-model-file", help="Run the Python file that is the model, if you trust its code."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print results.json on stdout and nothing else.")]
Wtp = Annotated[list[float] | None, typer.Option(help="Willingness to pay per QALY; repeat for more.")]
Draws = Annotated[int | None, typer.Option(help="Number of draws.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the draws.")]
Out = Annotated[Path | None, typer.Option(help="Folder for results.json and tables.")]
Restart = Annotated[
    bool, typer.Option("--restart", help="Discard what an unfinished run left in the folder.")
]
KeepBlocks = Annotated[
    bool, typer.Option("--keep-blocks", help="Store every block from the first on, and keep them all.")
]
Discounts = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Confidential discounts by product, CSV or YAML; never printed."),
]
ShowDiscounts = Annotated[bool, typer.Option("--show-discounts", help="Print and write the discounts used.")]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster", metavar="tcp://...", help="Compute on this Dask scheduler; local starts one here."
    ),
]
Devices = Annotated[
    int | None,
    typer.Option("--devices", min=1, help="How many devices to use: CPU cores or GPUs; all unless given."),
]
