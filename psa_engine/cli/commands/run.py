"""`run` and `check`: an analysis, and its base case."""

from pathlib import Path
from typing import Annotated

import typer

from psa_engine.cli.options import (
    AllowModelFile,
    AsJson,
    Cluster,
    Config,
    Device,
    Devices,
    Discounts,
    Draws,
    KeepBlocks,
    OnInvalid,
    Precision,
    Quiet,
    Restart,
    Sampler,
    ScenarioName,
    Seed,
    Sets,
    ShowDiscounts,
    SubgroupName,
    Verbose,
    Wtp,
)


def run(
    config: Config,
    draws: Draws = None,
    seed: Seed = None,
    wtp: Wtp = None,
    set_: Sets = None,
    scenario: ScenarioName = None,
    subgroup: SubgroupName = None,
    sampler: Annotated[Sampler | None, typer.Option(help="How draws are placed.")] = None,
    precision: Annotated[Precision | None, typer.Option(help="64- or 32-bit arithmetic.")] = None,
    device: Annotated[Device, typer.Option(help="Where to run.")] = Device.auto,
    devices: Devices = None,
    on_invalid: Annotated[
        OnInvalid | None, typer.Option(help="Stop at, or clip, impossible probabilities.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Result folder; results/NAME unless given.")] = None,
    excel: Annotated[
        Path | None,
        typer.Option(metavar="FILE.xlsx", help="Write the tables and evidence as a workbook too."),
    ] = None,
    figures: Annotated[
        bool,
        typer.Option("--figures", help="Also draw figures for print, SVG and PNG, in the result folder."),
    ] = False,
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Run even where memory may not suffice.")] = False,
    allow_model_file: AllowModelFile = False,
    block: Annotated[int | None, typer.Option(help="Draws held at once; chosen unless given.")] = None,
    restart: Restart = False,
    keep_blocks: KeepBlocks = False,
    discounts: Discounts = None,
    show_discounts: ShowDiscounts = False,
    cluster: Cluster = None,
    reduce: Annotated[
        bool,
        typer.Option("--reduce", help="Keep means, CEAC and EVPI only: for draws that memory does not hold."),
    ] = False,
    sample_to: Annotated[
        str | None,
        typer.Option(metavar="URL", help="With --reduce: write all draws to this folder or store."),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run the probabilistic sensitivity analysis; print tables and write a result folder."""
    import os

    if devices is not None:
        os.environ["PSA_ENGINE_DEVICES"] = str(devices)  # before JAX starts, which cannot change it later
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
            excel=excel,
            figures=figures,
            as_json=as_json,
            force=force,
            allow_model_file=allow_model_file,
            block=block,
            restart=restart,
            keep_blocks=keep_blocks,
            discounts=discounts,
            show_discounts=show_discounts,
            cluster=cluster,
            reduce=reduce or sample_to is not None,
            sample_to=sample_to,
        )
    )


def check(
    config: Config,
    set_: Sets = None,
    scenario: ScenarioName = None,
    subgroup: SubgroupName = None,
    ledger: Annotated[bool, typer.Option(help="Print the evidence ledger.")] = True,
    allow_model_file: AllowModelFile = False,
    quiet: Quiet = False,
) -> None:
    """Validate a configuration; print its base case, cohort traces and evidence ledger."""
    from psa_engine.cli.check import check_analysis

    check_analysis(config, tuple(set_ or ()), scenario, subgroup, ledger, allow_model_file)
