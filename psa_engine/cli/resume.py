"""`psa-engine resume`: the command that was interrupted, started again on what it had stored.

A result folder may come from elsewhere. So what its manifest asks for is checked as options of a command line are,
and what would be written or connected to outside the folder has to be asked for again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from psa_engine.cli.asked import Asked as AskedOfSweep
from psa_engine.cli.information import Asked, evppi_command, evsi_command
from psa_engine.cli.run import Request, run_analysis
from psa_engine.cli.stored import unfinished
from psa_engine.cli.sweep import UNFINISHED, sweep_command
from psa_engine.cli.workers import HERE, LOCAL
from psa_engine.errors import InputError
from psa_engine.store import Manifest
from psa_engine.store.store import FOLDER


def resume_command(folder: Path, cluster: str | None, as_json: bool, allow_model_file: bool) -> None:
    """Go on with the unfinished run in a folder; raises InputError where there is none, or it was another version's."""
    manifest = unfinished(folder)
    more: dict[str, Any] = {"as_json": as_json, "allow_model_file": allow_model_file}
    if manifest.command == "run":
        request = run_request(manifest, folder, **more)
        _refuse_elsewhere(request, folder)
        run_analysis(replace(request, cluster=cluster or _same_cluster(request.cluster, folder)))
    elif manifest.command == "sweep":
        _resume_sweep(manifest, folder, cluster, allow_model_file)
    elif manifest.command in _INFORMATION:
        command, options = _INFORMATION[manifest.command]
        asked = _checked(Asked, _said(manifest, folder) | more | {"out": folder}, folder)
        asked = replace(asked, cluster=cluster or _same_cluster(asked.cluster, folder))
        command(asked, **vars(_checked(options, manifest.request.get("options"), folder)))
    else:
        raise InputError(f"'{folder}' holds a run of '{manifest.command}', which cannot be gone on with.")


@dataclass(frozen=True)
class _Evppi:
    of: list[str]
    method: str
    rtol: float


@dataclass(frozen=True)
class _Evsi:
    study: str | None
    n: list[int]
    method: str


_INFORMATION: dict[str, tuple[Callable[..., None], type]] = {
    "evppi": (evppi_command, _Evppi),
    "evsi": (evsi_command, _Evsi),
}


def run_request(manifest: Manifest, folder: Path, **more: Any) -> Request:
    """Return the request that a stored run answers, on its own copy of the configuration."""
    return _checked(Request, _said(manifest, folder) | more | {"out": folder}, folder)


def _resume_sweep(manifest: Manifest, folder: Path, cluster: str | None, allow_model_file: bool) -> None:
    said = _said(manifest, folder)
    out = folder.absolute()
    if not out.name.endswith(UNFINISHED):
        raise InputError(f"The points of a sweep lie in a folder FILE{UNFINISHED}, and not in '{folder}'.")
    swept = _checked(_Swept, said, folder)
    asked = AskedOfSweep(
        swept.config,
        swept.settings,
        swept.assignments,
        out=out.with_name(out.name.removesuffix(UNFINISHED)),
        allow_model_file=allow_model_file,
    )
    cluster = cluster or _same_cluster(swept.cluster, folder)
    sweep_command(asked, **vars(swept.options), keep=swept.keep, cluster=cluster)


@dataclass(frozen=True)
class _Grid:
    over: tuple[str, ...]
    scenario: str | None
    subgroup: str | None


@dataclass(frozen=True)
class _Swept:
    config: str
    settings: dict[str, Any]
    assignments: tuple[str, ...]
    options: _Grid
    keep: bool
    cluster: str | None


def _said(manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Return what a manifest asks for, its configuration among the files whose checksums it holds."""
    said = dict(manifest.request)
    config = said.get("config")
    if config not in [f"{FOLDER}/{name}" for name in manifest.companions]:
        raise _odd(folder, f"config: {config}")
    return said | {"config": str(folder / config)}


def _checked(record: type, said: Any, folder: Path) -> Any:
    try:
        return TypeAdapter(record).validate_python(said)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise _odd(folder, f"{'.'.join(map(str, found['loc']))}: {found['msg']}") from None


def _odd(folder: Path, words: str) -> InputError:
    return InputError(f"The manifest in '{folder / FOLDER}' asks for what no command asks for ({words}).")


def _same_cluster(cluster: str | None, folder: Path) -> str | None:
    if cluster in (None, HERE, LOCAL):
        return cluster
    raise InputError(
        f"This run was on the cluster {cluster}, which is trusted with running code.",
        hint=f"Name it again, or another: psa-engine resume {folder} --cluster {cluster} (or local, or none).",
    )


def _refuse_elsewhere(request: Request, folder: Path) -> None:
    """Refuse what would be written neither beside the result folder nor in the one that the command is given in."""
    near = (folder.resolve().parent, Path.cwd())
    for option, place in (("--excel", request.excel), ("--sample-to", request.sample_to)):
        if place is None:
            continue
        if "://" in str(place) or not any(Path(place).resolve().is_relative_to(n) for n in near):
            raise InputError(
                f"This run also writes to '{place}', which a folder cannot ask for by itself.",
                hint=f"Give the command that started it again, with {option}: it finds the blocks that are finished.",
            )
