"""`list`, `show` and `schema`: the configurations that ship, and what one may hold."""

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


def schema() -> None:
    """Print the JSON Schema of configurations, for editors: psa-engine schema > psa_engine.schema.json."""
    from psa_engine.config.finding import SCHEMA_FILE

    typer.echo(SCHEMA_FILE.read_text(encoding="utf-8"), nl=False)
