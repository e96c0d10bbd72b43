"""The store of one run: finished blocks and steps as files, found again when the run goes on."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from psa_engine.store.arrays import packed, unpacked
from psa_engine.store.files import PART, storage_error, write_atomically
from psa_engine.store.manifest import DamagedManifest, Manifest, read_manifest, refuse_another
from psa_engine.store.signals import stopping_between_blocks

FOLDER = "blocks"
GRACE = 10.0
"""Seconds of a run that are done again rather than kept: a short run writes no block."""

Range = tuple[int, int]
Compute = Callable[[Iterable[Range]], Iterator[tuple[int, Mapping[str, Any]]]]


@dataclass
class Counts:
    """Blocks found and used, found damaged and computed again, computed, written."""

    found: int = 0
    damaged: int = 0
    computed: int = 0
    written: int = 0


@dataclass
class Store:
    """The stored part of a run in `folder`/blocks, of which `manifest` says what it is.

    Nothing is written before there is something to keep. Blocks of the first `grace` seconds are not kept.
    `companions` (path within the store -> content) are files that going on needs, written with the manifest.
    """

    folder: Path
    manifest: Manifest
    grace: float = GRACE
    companions: Mapping[str, bytes] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self.place = self.folder / FOLDER
        self._started = time.monotonic()
        self.begun = False

    def take_up(self, restart: bool = False) -> bool:
        """Take up a run stored here before, if any; raises InputError, with the differences, for another one.

        Where its manifest is lost, a finished block tells whether it is this run: DamagedManifest if none does.
        """
        if restart:
            self.remove()
        try:
            held = read_manifest(self.place) or self._told_by_a_block()
        except DamagedManifest:
            held = self._told_by_a_block()
            if held is None:
                raise
        if held is None:
            return False
        refuse_another(held, self.manifest, self.folder)
        self.manifest = replace(self.manifest, block=held.block)
        for part in self.place.glob(f".*{PART}"):
            part.unlink(missing_ok=True)
        return True

    def _told_by_a_block(self) -> Manifest | None:
        """Return the manifest that a stored block or step of this run can only have had."""
        for path in sorted(self.place.glob("draws-*")) + sorted(self.place.glob("step-*")):
            if unpacked(path.read_bytes(), self._label(path.name)) is not None:
                blocks = path.name.startswith("draws-")
                return replace(self.manifest, block=int(path.name.split("-")[2])) if blocks else self.manifest
        return None

    def begin(self) -> None:
        """Write the manifest and what goes with it, once."""
        if self.begun:
            return
        self.begun = True
        checksums = {name: sha256(content).hexdigest() for name, content in self.companions.items()}
        self.manifest = replace(self.manifest, companions=checksums)
        for name, content in self.companions.items():
            path = self.place / name
            self._make(path.parent)
            write_atomically(path, content)
        self._make(self.place)
        self.manifest.write(self.place)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(folder, error) from error

    def blocks(self, n_draws: int, size: int, compute: Compute) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield (first draw, block) of a run in order: what is stored from its file, the rest from `compute`.

        `compute` is given the ranges (first draw, number) that are missing and yields them in that order.
        Between blocks SIGINT and SIGTERM are heard: raises Interrupted, with the block in hand kept.
        """
        size = self.manifest.block or size
        ranges = [(first, min(size, n_draws - first)) for first in range(0, n_draws, size)]
        if len(ranges) == 1 and self.manifest.block is None:
            yield from compute(ranges)
            return
        self.manifest = replace(self.manifest, block=size)
        self.begin()
        missing = [r for r in ranges if not (self.place / _of(r)).exists()]
        computed, awaited = compute(iter(missing)), set(missing)
        with stopping_between_blocks() as stop_if_asked:
            for place in ranges:
                block = None if place in awaited else self.read(_of(place))
                if block is None:
                    block = self._keep(_of(place), next(computed if place in awaited else compute([place])))
                yield place[0], block
                stop_if_asked()

    def _keep(self, name: str, made: tuple[int, Mapping[str, Any]]) -> Mapping[str, Any]:
        self.counts.computed += 1
        if time.monotonic() - self._started >= self.grace:
            self.write(name, made[1])
        return made[1]

    def remembered(self, key: str, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what `make()` returned under this key, now or when the run was interrupted: nested arrays.

        `key` says everything that the arrays depend on besides the identity of the run. For loops whose steps
        are no ranges of draws; a signal is heard at the end of a step.
        """
        name = _step(key)
        found = self.read(name)
        if found is None:
            with stopping_between_blocks() as stop_if_asked:
                found = self._keep(name, (0, make()))
                stop_if_asked()
        return found

    def holds(self, key: str) -> bool:
        """Whether a step is stored under this key."""
        return (self.place / _step(key)).exists()

    def remembered_rows(self, key: str, make: Callable[[], Any]) -> Any:
        """Return what `make()` returned under this key, as `remembered` does: anything that JSON holds exactly."""

        def encoded() -> dict[str, Any]:
            return {"json": np.frombuffer(json.dumps(make()).encode(), np.uint8)}

        return json.loads(self.remembered(key, encoded)["json"].tobytes())

    def read(self, name: str) -> dict[str, Any] | None:
        """Return a stored block, None where there is none or it is damaged."""
        try:
            data = (self.place / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            data = b""
        found = unpacked(data, self._label(name))
        if found is None:
            self.counts.damaged += 1
        else:
            self.counts.found += 1
        return found

    def write(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Store a block; raises StorageError."""
        self.begin()
        write_atomically(self.place / name, packed(arrays, self._label(name)))
        self.counts.written += 1

    def _label(self, name: str) -> str:
        return f"{self.manifest.key} {name}"

    def leave(self, status: str, failure: Mapping[str, Any] | None = None) -> None:
        """Say in the manifest why the run ended before its end; raises StorageError."""
        if status == "failed":
            self.begin()
        if self.begun:
            n = len(list(self.place.glob("draws-*")))
            replace(self.manifest, status=status, blocks=n, failure=failure or {}).write(self.place)

    def remove(self) -> None:
        """Remove everything stored."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.place)


def _step(key: str) -> str:
    return f"step-{sha256(key.encode()).hexdigest()[:32]}"


def _of(place: Range) -> str:
    return f"draws-{place[0]:012}-{place[1]:09}"
