"""`report`: the page of a finished run, made again from its folder."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A result folder of `run`.")]


def report(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="File to write; DIR/report.html unless given.")] = None,
    figures: Annotated[
        bool, typer.Option("--figures", help="Also draw figures for print in DIR/figures, SVG and PNG.")
    ] = False,
) -> None:
    """Make the report page of a finished run again, from its result folder."""
    from psa_engine.cli.report import report_folder

    report_folder(folder, out, figures)
