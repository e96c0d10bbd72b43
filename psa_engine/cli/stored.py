"""A command whose work is stored as it goes, so that `psa-engine resume` can go on with it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from psa_engine.cache import source_digest
from psa_engine.config import Analysis
from psa_engine.config.companions import companions, digests
from psa_engine.config.discounts import without_values
from psa_engine.config.registry import registered_source
from psa_engine.errors import ClusterError, InputError, Interrupted, ModelError, StorageError
from psa_engine.report.loudness import is_quiet
from psa_engine.store import Manifest, Store, check_companions, only_process, read_manifest
from psa_engine.store.store import FOLDER, GRACE

COPY = "configuration"
"""Where in a store the configuration lies as it was run."""


@contextmanager
def stored(
    folder: Path,
    command: str,
    analysis: Analysis,
    request: Mapping[str, Any],
    device: str = "auto",
    restart: bool = False,
    keep: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Iterator[Store]:
    """Yield the store of a command in its result folder; remove what it holds once the command is done.

    `request` is what starts the command again, all but its configuration; `options` are those of it that numbers
    depend on beside the configuration. Raises InputError where another
    process is at work in the folder or it holds an unfinished run of something else.
    """
    files = companions(analysis.checked.document)
    asked = {**request, "config": f"{FOLDER}/{COPY}/{next(iter(files))}"}
    identity = identity_of(analysis, device)
    manifest = Manifest(command, {**identity, "options": options} if options else identity, asked)
    copies = {f"{COPY}/{name}": content for name, content in files.items()}
    kind = _Unstored if analysis.confidential else Store
    store = kind(folder, manifest, 0.0 if keep else GRACE, copies)
    with only_process(folder):
        store.take_up(restart)
        try:
            yield store
        except ModelError as error:
            store.leave("failed", {"draw": error.draw, "message": str(error)})
            if error.draw is not None:
                _advise(error, f"See it with: psa-engine replay {folder} --draw {error.draw}")
            raise
        except (Interrupted, KeyboardInterrupt) as error:
            with suppress(StorageError):
                store.leave("interrupted")
            signal = error.signal if isinstance(error, Interrupted) else 2
            raise Interrupted(signal, _resume(folder) if store.begun else "") from None
        except (ClusterError, StorageError) as error:
            _advise(error, _resume(folder) if store.begun else "Nothing was stored yet: start it again.")
            raise
        _say_what_was_found(store)
        if not keep:
            store.remove()


class _Unstored(Store):
    """The store of a run at confidential prices: nothing of it lies on the disk, so it cannot go on."""

    def take_up(self, restart: bool = False) -> bool:
        """Refuse whatever run is stored here, without its differences, which would quote discounts."""
        if restart:
            self.remove()
        if read_manifest(self.place) is None:
            return False
        raise InputError(
            f"'{self.folder}' holds an unfinished run, and a run at confidential prices goes on from none.",
            hint="Give another folder with --out, or discard that run with: psa-engine run ... --restart",
        )

    def begin(self) -> None: ...

    def write(self, name: str, arrays: Mapping[str, Any]) -> None: ...

    def leave(self, status: str, failure: Mapping[str, Any] | None = None) -> None: ...


def _say_what_was_found(store: Store) -> None:
    counts = store.counts
    if (counts.found or counts.damaged) and not is_quiet():
        damaged = f", {counts.damaged} damaged and computed again" if counts.damaged else ""
        print(f"psa-engine: {counts.found} blocks were found finished{damaged}.", file=sys.stderr)


def _resume(folder: Path) -> str:
    return f"Go on with: psa-engine resume {folder}"


def _advise(error: InputError, words: str) -> None:
    error.hint = f"{error.hint} {words}" if error.hint else words


def identity_of(analysis: Analysis, device: str) -> dict[str, Any]:
    """Return what the numbers of an analysis depend on: configuration, its files, source, versions, kind of device."""
    from psa_engine.engine import devices, versions

    document = analysis.checked.document
    used = devices(device)[0]  # type: ignore[arg-type]
    secret = document.confidential
    return {
        "configuration": without_values(document.content, secret) if secret else document.content,
        "files": digests(document),
        "source": {"psa_engine": source_digest(), **registered_source(analysis.config.model)},
        "versions": versions(),
        "device": f"{used.device_kind} ({used.platform})",
    }


def unfinished(folder: Path) -> Manifest:
    """Return the manifest of the unfinished run in a result folder; InputError where it holds none, or is damaged."""
    manifest = read_manifest(folder / FOLDER)
    if manifest is None:
        raise InputError(
            f"'{folder}' holds no unfinished run.",
            hint="Give the folder that the run was to write its results to.",
        )
    check_companions(manifest, folder / FOLDER)
    return manifest
