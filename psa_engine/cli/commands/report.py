"""`report`: the page of a finished run, made again from its folder."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A result folder of `run`.")]


def report(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="File to write; DIR/report.html unless given.")] = None,
) -> None:
    """Make the report page of a finished run again, from its result folder."""
    from psa_engine.cli.report import report_folder

    report_folder(folder, out)
