"""What a stored run is: everything its numbers depend on, what was asked for, and how far it came."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError
from psa_engine.store.files import write_atomically

MANIFEST = "manifest.json"
FORMAT = 1
_SHOWN = 5


@dataclass(frozen=True)
class Manifest:
    """One run. `identity` is what its numbers depend on: configuration, plan, versions, kind of device.

    `request` is what starts the command again, `block` the draws in a block (None: not divided), `blocks` how
    many are finished and `status` running, interrupted or failed as last written.
    """

    command: str
    identity: Mapping[str, Any]
    request: Mapping[str, Any]
    block: int | None = None
    status: str = "running"
    blocks: int = 0
    failure: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def key(self) -> str:
        """SHA-256 of the identity: blocks of one key may be put together."""
        return sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Write it into a folder; raises StorageError."""
        write_atomically(folder / MANIFEST, json.dumps(asdict(self), indent=1).encode())


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in a folder, None where there is none; raises InputError for one that is damaged."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        if said["format"] != FORMAT:
            raise InputError(f"'{folder}' was written by another version of the program.", hint=_ANEW)
        manifest = Manifest(**said)
        if not (isinstance(manifest.request, dict) and isinstance(manifest.identity, dict)):
            raise TypeError
        return manifest
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The manifest in '{folder}' is damaged.", hint=_ANEW) from None


_ANEW = "Start it anew with: psa-engine run ... --restart"


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
