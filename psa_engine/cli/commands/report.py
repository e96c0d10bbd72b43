"""`report` and `compare`: pages made from the folders of finished runs."""

from pathlib import Path
from typing import Annotated

import typer

from psa_engine.cli.options import AsJson

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


def compare(
    first: Folder,
    second: Folder,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("compare.html"),
    as_json: AsJson = False,
) -> None:
    """Show two finished runs side by side: what differs in settings, inputs and results."""
    from psa_engine.cli.compare import compare_folders

    compare_folders(first, second, out, as_json)
