"""`list` and `show`: the configurations that ship."""

from typing import Annotated

import typer


def list_() -> None:
    """List the configurations that ship with the package."""
    from psa_engine.config import check_config, config_names

    for name in config_names():
        typer.echo(f"{name:36} {check_config(name).config.title}")


def show(name: Annotated[str, typer.Argument(help="The name of a shipped configuration.")]) -> None:
    """Print a shipped configuration, to copy and change: psa-engine show NAME > mine.yaml."""
    from psa_engine.config import find_config

    typer.echo(find_config(name).read_text(encoding="utf-8"), nl=False)
