"""`psa-engine resume`: the command that was interrupted, started again on what it had stored."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from psa_engine.cli.asked import Asked as AskedOfSweep
from psa_engine.cli.information import Asked, evppi_command, evsi_command
from psa_engine.cli.run import Request, run_analysis
from psa_engine.cli.stored import unfinished
from psa_engine.cli.sweep import sweep_command
from psa_engine.store import Manifest


def resume_command(folder: Path, cluster: str | None, as_json: bool, allow_model_file: bool) -> None:
    """Go on with the unfinished run in a folder; raises InputError where there is none, or it was another version's."""
    manifest = unfinished(folder)
    more: dict[str, Any] = {"as_json": as_json, "allow_model_file": allow_model_file}
    if manifest.command == "run":
        request = run_request(manifest, folder, **more)
        run_analysis(replace(request, cluster=cluster or request.cluster))
        return
    said = dict(manifest.request)
    options, assignments = said.pop("options"), tuple(said.pop("assignments"))
    if manifest.command == "sweep":
        config, settings, out = str(folder / said["config"]), said["settings"], Path(said["out"])
        swept = AskedOfSweep(config, settings, assignments, out=out, allow_model_file=allow_model_file)
        over = tuple(options["over"])
        sweep_command(
            swept,
            over,
            options["scenario"],
            options["subgroup"],
            False,
            said["keep"],
            cluster or said["cluster"],
        )
        return
    asked = Asked(str(folder / said.pop("config")), assignments=assignments, out=folder, **said, **more)
    {"evppi": evppi_command, "evsi": evsi_command}[manifest.command](asked, **options)


def run_request(manifest: Manifest, folder: Path, **more: Any) -> Request:
    """Return the request that a stored run answers, on its own copy of the configuration."""
    said = dict(manifest.request)
    config = str(folder / said.pop("config"))
    excel = said.pop("excel")
    return Request(
        config,
        assignments=tuple(said.pop("assignments")),
        excel=excel and Path(excel),
        out=folder,
        **said,
        **more,
    )
