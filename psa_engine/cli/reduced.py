"""`psa-engine run --reduce`: more draws than one machine holds, reduced block by block where they are made."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from psa_engine.cli.demand import more_than_memory
from psa_engine.cli.options import ALL
from psa_engine.cli.stored import stored
from psa_engine.cli.workers import HERE, workers
from psa_engine.errors import InputError
from psa_engine.report.files import as_json, write_tables
from psa_engine.report.loudness import is_quiet
from psa_engine.report.terminal import console, print_heading, shows_progress

if TYPE_CHECKING:
    from psa_engine.cli.run import Request


def is_reduced_on_cluster(request: "Request", analysis: Any) -> bool:
    """Whether a run is on a cluster and its sample more than this machine holds; says so."""
    if request.cluster in (None, HERE) or request.force:
        return False
    words = more_than_memory(analysis)
    if words and not is_quiet():
        print(
            f"psa-engine: {words}: they are reduced on the cluster, as with --reduce. --sample-to keeps them as well.",
            file=sys.stderr,
        )
    return words is not None


def _refuse_what_needs_draws(request: "Request") -> None:
    asked = {
        "--excel": request.excel,
        "--figures": request.figures,
        "--scenario all": request.scenario == ALL,
        "--subgroup all": request.subgroup == ALL,
    }
    needy = [option for option, given in asked.items() if given]
    if needy:
        raise InputError(
            f"A run that is reduced brings no draws together, which {', '.join(needy)} needs.",
            hint="Leave that out, or ask for as many draws as memory holds, without --reduce.",
        )


def reduce_analysis(request: "Request", analysis: Any, folder: Path) -> None:
    """Run an analysis keeping means, CEAC and EVPI only; draws go to `request.sample_to` where it is given."""
    import numpy as np

    from psa_engine.cluster.tasks import reduced_block
    from psa_engine.engine import versions
    from psa_engine.engine.blocks import BlockRunner
    from psa_engine.summary.reduced import grid_with, reduced_tables, summarise_reduced

    _refuse_what_needs_draws(request)
    if analysis.confidential and request.sample_to is not None:
        raise InputError(
            "A sample in parts would hold costs at confidential prices.", hint="Leave out --sample-to."
        )
    plan = replace(analysis.plan, device=request.device, block=request.block)
    wtp = grid_with(analysis.settings.wtp)
    options = {"reduced": True, "sample_to": request.sample_to}
    with (
        stored(
            folder,
            "run",
            analysis,
            request.again,
            request.device,
            request.restart,
            request.keep_blocks,
            options,
        ) as store,
        workers(request.cluster) as compute,
    ):
        started = time.perf_counter()
        runner = BlockRunner(analysis.model, analysis.parameters, plan)
        reduce = partial(compute, partial(reduced_block, runner, np.asarray(wtp, float), request.sample_to))
        total = _total(store.blocks(plan.n_draws, runner.size, reduce), plan.n_draws)
        run = {
            **{
                name: getattr(plan, name)
                for name in ("n_draws", "seed", "sampler", "precision", "on_invalid")
            },
            "sample": request.sample_to,
            "versions": versions(),
            "seconds": {"total": time.perf_counter() - started},
        }
        results = summarise_reduced(analysis, total, wtp, run)
        write_tables(folder, results, reduced_tables(results))
    if request.as_json:
        typer.echo(as_json(results), nl=False)
        return
    _print(results, folder)


def _total(blocks: Iterator[tuple[int, Any]], n_draws: int) -> Any:
    from psa_engine.decision.reduced import Reduced, merged
    from psa_engine.engine.progress import progress_bar

    with progress_bar(n_draws, "draws", shows_progress()) as advance:

        def told() -> Iterator[Reduced]:
            for _, block in blocks:
                advance(int(block["n"]))
                yield Reduced(**block)

        return merged(told())


def _print(results: dict[str, Any], folder: Path) -> None:
    from rich.markup import escape
    from rich.table import Table

    out = console()
    print_heading(out, results)
    labels = {s["strategy"]: s["label"] for s in results["strategies"]}
    table = Table(
        "Strategy", "Costs", "SE", "QALYs", "SE", title=f"{results['run']['n_draws']:,} draws, reduced"
    )
    for row in results["mean_outcomes"]:
        errors = row["costs_standard_error"], row["effects_standard_error"]
        shown = [f"{x:,.{d}f}" if x is not None else "" for x, d in zip(errors, (1, 5), strict=True)]
        table.add_row(
            escape(labels[row["strategy"]]),
            f"{row['costs']:,.0f}",
            shown[0],
            f"{row['effects']:.4f}",
            shown[1],
        )
    out.print(table)
    for row in results["decision"]:
        error = row["evpi_standard_error"]
        out.print(
            f"At {row['wtp']:,.0f} {results['currency']}/QALY: {escape(labels[row['optimal']])} is best, in "
            f"{row['probability'][row['optimal']]:.1%} of draws; EVPI {row['evpi']:,.1f}"
            + (f" (SE {error:,.2f})" if error is not None else "")
            + " per person."
        )
    sample = f"; the sample to {results['run']['sample']}" if results["run"]["sample"] else ""
    out.print(f"Written to {folder}: results.json, tables/{sample}.", markup=False, soft_wrap=True)
