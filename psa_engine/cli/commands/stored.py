"""`resume` and `replay`: runs that did not end."""

from pathlib import Path
from typing import Annotated

import typer

from psa_engine.cli.options import AllowModelFile, AsJson, Quiet, Verbose

Folder = Annotated[Path, typer.Argument(help="The result folder of the run.")]


def resume(
    folder: Folder,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://...",
            help="Go on on this cluster, local or none; unless given, where it was, if that was here.",
        ),
    ] = None,
    as_json: AsJson = False,
    allow_model_file: AllowModelFile = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Go on with an interrupted run, to the same numbers as if it had never stopped."""
    from psa_engine.cli.resume import resume_command

    resume_command(folder, cluster, as_json, allow_model_file)


def replay(
    folder: Folder,
    draw: Annotated[int, typer.Option(help="The number of the draw, from 0.")],
    as_json: AsJson = False,
    allow_model_file: AllowModelFile = False,
) -> None:
    """Make one draw of an unfinished run again; show its parameters, its results and where it breaks."""
    from psa_engine.cli.replay import replay_command

    replay_command(folder, draw, as_json, allow_model_file)
