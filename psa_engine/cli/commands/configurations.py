"""`list`, `show`, `new` and `schema`: the configurations that ship, a first one, and what one may hold."""

from pathlib import Path
from typing import Annotated

import typer


def list_() -> None:
    """List the configurations that ship with the package."""
    from psa_engine.config import check_config, config_names

    for name in config_names():
        typer.echo(f"{name:36} {check_config(name).config.title}")


def show(name: Annotated[str, typer.Argument(help="The name of a shipped configuration.")]) -> None:
    """Print a shipped configuration, to copy and change: psa-engine show NAME > mine.yaml."""
    from psa_engine.config.finding import find_config, with_schema_beside

    typer.echo(with_schema_beside(find_config(name).read_text(encoding="utf-8")), nl=False)


def new(
    name: Annotated[str, typer.Argument(help="What to call the analysis and its files.")],
    table: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A .csv or .xlsx table of parameters to start with."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of the table.")] = None,
    out: Annotated[Path, typer.Option(help="The folder to write in.")] = Path(),
) -> None:
    """Write a commented configuration and model to start from, NAME.yaml and NAME.py, that run at once."""
    from psa_engine.starter import written_starter

    configuration, model = written_starter(name, out, table, sheet)
    typer.echo(f"Written: {configuration} and {model}.")
    if table is not None:
        typer.echo(
            f"The parameters are those of {table}; write {model} to read them, and name your strategies."
        )
    typer.echo(f"Next: psa-engine run {configuration} --allow-model-file")


def schema() -> None:
    """Print the JSON Schema of configurations, for editors: psa-engine schema > psa_engine.schema.json."""
    from psa_engine.config.finding import SCHEMA_FILE

    typer.echo(SCHEMA_FILE.read_text(encoding="utf-8"), nl=False)
