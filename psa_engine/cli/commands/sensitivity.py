"""`tornado`, `gradient`, `price` and `sweep`: what the results depend on."""

from pathlib import Path
from typing import Annotated

import typer

from psa_engine.cli.options import (
    AllowModelFile,
    AsJson,
    Cluster,
    Config,
    Discounts,
    Draws,
    KeepBlocks,
    Out,
    Quiet,
    Restart,
    ScenarioName,
    Seed,
    Sets,
    ShowDiscounts,
    SubgroupName,
    Verbose,
    Wtp,
)

StrategyName = Annotated[str | None, typer.Option(help="The strategy in question; the first unless given.")]
ComparatorName = Annotated[str | None, typer.Option(help="What it is compared with.")]
Top = Annotated[int, typer.Option(help="Rows printed; all are written.")]


def tornado(
    config: Config,
    strategy: StrategyName = None,
    comparator: ComparatorName = None,
    range_: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="PARAMETER=LOW:HIGH", help="Another range; repeat for more."),
    ] = None,
    two_way: Annotated[
        str | None, typer.Option("--two-way", metavar="A,B", help="A grid over two parameters as well.")
    ] = None,
    grid: Annotated[int, typer.Option(help="Points on each side of the grid.")] = 41,
    top: Top = 15,
    wtp: Wtp = None,
    set_: Sets = None,
    scenario: ScenarioName = None,
    subgroup: SubgroupName = None,
    discounts: Discounts = None,
    show_discounts: ShowDiscounts = False,
    out: Out = None,
    as_json: AsJson = False,
    allow_model_file: AllowModelFile = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Vary each parameter over its 95 % interval, the others at their means."""
    from psa_engine.cli.asked import Asked
    from psa_engine.cli.tornado import tornado_command

    asked = Asked(
        config, {"wtp": wtp}, tuple(set_ or ()), scenario, subgroup, discounts, show_discounts, out, as_json,
        allow_model_file,
    )  # fmt: skip
    tornado_command(asked, strategy, comparator, tuple(range_ or ()), two_way, grid, top)


def gradient(
    config: Config,
    strategy: StrategyName = None,
    comparator: ComparatorName = None,
    top: Top = 15,
    wtp: Wtp = None,
    set_: Sets = None,
    scenario: ScenarioName = None,
    subgroup: SubgroupName = None,
    discounts: Discounts = None,
    show_discounts: ShowDiscounts = False,
    out: Out = None,
    as_json: AsJson = False,
    allow_model_file: AllowModelFile = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Exact derivatives of the net benefit by every parameter at the base case, as elasticities."""
    from psa_engine.cli.asked import Asked
    from psa_engine.cli.tornado import gradient_command

    asked = Asked(
        config, {"wtp": wtp}, tuple(set_ or ()), scenario, subgroup, discounts, show_discounts, out, as_json,
        allow_model_file,
    )  # fmt: skip
    gradient_command(asked, strategy, comparator, top)


def price(
    config: Config,
    product: Annotated[
        list[str] | None,
        typer.Option(help="A product; those whose price is a gap in the evidence unless given."),
    ] = None,
    strategy: StrategyName = None,
    prices: Annotated[
        str | None, typer.Option(metavar="LOW:HIGH:N", help="Net prices per pack; chosen unless given.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="PRODUCT", help="Map the price against a discount on this product, or on all."),
    ] = None,
    discount_grid: Annotated[
        str, typer.Option(metavar="LOW:HIGH:N", help="The discounts of the map.")
    ] = "0:1:21",
    by: Annotated[
        str | None,
        typer.Option(metavar="PARAMETER=LOW:HIGH:N", help="Price by values of a parameter, as grams a week."),
    ] = None,
    draws: Draws = None,
    seed: Seed = None,
    wtp: Wtp = None,
    set_: Sets = None,
    scenario: ScenarioName = None,
    subgroup: SubgroupName = None,
    discounts: Discounts = None,
    show_discounts: ShowDiscounts = False,
    out: Out = None,
    as_json: AsJson = False,
    allow_model_file: AllowModelFile = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Highest cost-effective price per pack, and how sure a choice is at each price."""
    from psa_engine.cli.asked import Asked
    from psa_engine.cli.price import price_command

    settings = {"n_draws": draws, "seed": seed, "wtp": wtp}
    asked = Asked(
        config, settings, tuple(set_ or ()), scenario, subgroup, discounts, show_discounts, out, as_json,
        allow_model_file,
    )  # fmt: skip
    price_command(asked, tuple(product or ()), strategy, prices, against, discount_grid, by)


def sweep(
    config: Config,
    out: Annotated[Path, typer.Option(metavar="FILE.parquet", help="Where the rows go.")],
    over: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARAMETER=LOW:HIGH:N", help="Values of a parameter, or a,b,c; repeat for more."
        ),
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(metavar="A,B", help="Scenarios with the base case as well, or all.")
    ] = None,
    subgroup: Annotated[
        str | None, typer.Option(metavar="A,B", help="Subgroups with all patients as well, or all.")
    ] = None,
    draws: Draws = None,
    seed: Seed = None,
    wtp: Wtp = None,
    set_: Sets = None,
    discounts: Discounts = None,
    show_discounts: ShowDiscounts = False,
    allow_model_file: AllowModelFile = False,
    restart: Restart = False,
    keep_blocks: KeepBlocks = False,
    cluster: Cluster = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run a PSA with the same draws at every point of a grid of parameters, scenarios and subgroups."""
    from psa_engine.cli.asked import Asked
    from psa_engine.cli.sweep import sweep_command

    settings = {"n_draws": draws, "seed": seed, "wtp": wtp}
    asked = Asked(
        config,
        settings,
        tuple(set_ or ()),
        None,
        None,
        discounts,
        show_discounts,
        out,
        False,
        allow_model_file,
    )
    sweep_command(asked, tuple(over or ()), scenario, subgroup, restart, keep_blocks, cluster)
