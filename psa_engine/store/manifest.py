"""What a stored run is: everything its numbers depend on, what was asked for, and how far it came.

It is written twice, each with a checksum: where one is damaged the other is read.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from pydantic import PositiveInt, TypeAdapter, ValidationError

from psa_engine.errors import InputError
from psa_engine.store.files import write_atomically

MANIFEST, COPY = "manifest.json", "manifest.copy.json"
FORMAT = 2
MAX_BYTES = 2**26
_SHOWN = 5
_AGAIN = (
    "Give the command that started the run again: it finds the blocks that are finished. Or discard them "
    "with --restart."
)
_ANEW = "Start it anew with: psa-engine run ... --restart"


class DamagedManifest(InputError):
    """Neither the manifest nor its copy says what was to be run, or a file that this needs is damaged."""


@dataclass(frozen=True)
class Manifest:
    """One run. `identity` is what its numbers depend on: configuration, plan, versions, kind of device.

    `request` is what starts the command again, `companions` the SHA-256 of each file beside the manifest that
    this needs, `block` the draws in a block (None: not divided), `blocks` how many are finished and `status`
    running, interrupted or failed as last written.
    """

    command: str
    identity: Mapping[str, Any]
    request: Mapping[str, Any]
    block: PositiveInt | None = None
    status: str = "running"
    blocks: int = 0
    failure: Mapping[str, Any] = field(default_factory=dict)
    companions: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def key(self) -> str:
        """SHA-256 of the identity: blocks of one key may be put together."""
        return sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write it and its copy into a folder; raises StorageError."""
        said = asdict(self)
        content = json.dumps({**said, "checksum": checksum(said)}, indent=1).encode()
        for name in (MANIFEST, COPY):
            write_atomically(folder / name, content)


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in a folder, or its copy, None where there is neither.

    Raises DamagedManifest where what there is cannot be read, InputError where another version wrote it.
    """
    said = [_said(folder / name) for name in (MANIFEST, COPY) if (folder / name).is_file()]
    for one in said:
        if one.get("format") == FORMAT and one.pop("checksum", None) == checksum(one):
            with suppress(ValidationError):
                return _RECORD.validate_python(one)
    if any(isinstance(one.get("format"), int) and one["format"] != FORMAT for one in said):
        raise InputError(f"'{folder}' was written by another version of the program.", hint=_ANEW)
    if said:
        raise DamagedManifest(f"The manifest in '{folder}' is damaged, and its copy too.", hint=_AGAIN)
    return None


def _said(path: Path) -> dict[str, Any]:
    """Return what a file says, nothing where it is no JSON object."""
    try:
        with path.open("rb") as file:
            said = json.loads(file.read(MAX_BYTES + 1))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def check_companions(manifest: Manifest, folder: Path) -> None:
    """Raise DamagedManifest where a file that a manifest names is not within its folder as it was written."""
    for name, expected in manifest.companions.items():
        path = PurePath(name)
        inside = not path.is_absolute() and ".." not in path.parts
        try:
            if inside and sha256((folder / name).read_bytes()).hexdigest() == expected:
                continue
        except (OSError, ValueError):
            pass
        raise DamagedManifest(f"What is to be run is damaged: '{name}' in '{folder}'.", hint=_AGAIN)


def checksum(said: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a manifest says."""
    return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


_RECORD = TypeAdapter(Manifest)


def refuse_another(held: Manifest, now: Manifest, folder: Path) -> None:
    """Raise InputError, with the differences, where a stored run is not the run asked for."""
    there, here = ({"command": m.command, **m.identity} for m in (held, now))
    found = list(_differences(there, here))
    if not found:
        return
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise InputError(
        f"'{folder}' holds an unfinished run of something else: {'; '.join(found[:_SHOWN])}{more}.",
        hint="Give another folder with --out, or discard that run with: psa-engine run ... --restart",
    )


def _differences(there: Any, here: Any, path: str = "") -> Iterator[str]:
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for key in dict.fromkeys([*there, *here]):
            yield from _differences(there.get(key), here.get(key), f"{path}.{key}" if path else key)
    elif there != here:
        yield f"{path} is {_text(there)} there and {_text(here)} now"


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
