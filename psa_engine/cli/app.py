"""The commands. Everything heavy is imported inside them, so that help answers at once."""

from typing import Annotated

import typer

from psa_engine.cli.commands import benchmark, configurations, information, report, run, sensitivity, stored

app = typer.Typer(
    name="psa-engine",
    help="Probabilistic sensitivity analysis and value of information for health-economic models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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


for command in (
    run.run,
    run.check,
    stored.resume,
    stored.replay,
    report.report,
    report.compare,
    information.evppi,
    information.evsi,
    information.analyse,
    sensitivity.tornado,
    sensitivity.gradient,
    sensitivity.price,
    sensitivity.sweep,
    configurations.list_,
    configurations.show,
    benchmark.benchmark,
    configurations.new,
    configurations.schema,
):
    app.command(command.__name__.strip("_"))(command)
