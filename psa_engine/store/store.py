"""The store of one run: finished blocks and steps as files, found again when the run goes on."""

import re
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError
from psa_engine.store.arrays import packed, unpacked
from psa_engine.store.files import PART, storage_error, write_atomically
from psa_engine.store.manifest import DamagedManifest, Manifest, read_manifest, refuse_another
from psa_engine.store.signals import stopping_between_blocks

FOLDER = "blocks"
GRACE = 10.0
"""Seconds of a run that are done again rather than kept: a short run writes no block."""

_DRAWS = re.compile(r"draws-\d{12}-(\d{9})")

Range = tuple[int, int]
Block = Mapping[str, Any]
"""Nested arrays."""
Compute = Callable[[Iterable[Any]], Iterator[Block]]
"""Given what blocks are made from, yields the blocks in that order; may draw on what it is given some way ahead."""


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
                # The last block of a run is smaller than the others, of which names are enough.
                sizes = [int(found[1]) for p in self.place.iterdir() if (found := _DRAWS.fullmatch(p.name))]
                return replace(self.manifest, block=max(sizes, default=None))
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
        for path in (folder, *folder.parents):
            if path == self.folder:
                break
            if path.is_symlink():
                raise InputError(f"'{path}' is a link, and nothing is written through it.", hint="Remove it.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(folder, error) from error

    def blocks(self, n_draws: int, size: int, compute: Compute) -> Iterator[tuple[int, Block]]:
        """Yield (first draw, block) of a run in order, made from ranges (first draw, number): see `mapped`."""
        size = self.manifest.block or size
        ranges = [(first, min(size, n_draws - first)) for first in range(0, n_draws, size)]
        firsts = [first for first, _ in ranges]
        if len(ranges) == 1 and self.manifest.block is None:
            yield from zip(firsts, compute(ranges), strict=True)
            return
        self.manifest = replace(self.manifest, block=size)
        self.begin()
        found = self.mapped(((_of(place), place) for place in ranges), compute)
        yield from zip(firsts, found, strict=True)

    def mapped(self, named: Iterable[tuple[str, Any]], compute: Compute) -> Iterator[Block]:
        """Yield named blocks in order: what is stored from its file, the rest from `compute`.

        `named` gives the name of each block and what it is made from. Between blocks SIGINT and SIGTERM are heard:
        raises Interrupted, with the block in hand kept.
        """
        queue: deque[tuple[str, Any, bool]] = deque()

        def missing() -> Iterator[Any]:
            for name, given in named:
                queue.append((name, given, held := (self.place / name).exists()))
                if not held:
                    yield given

        computed = compute(missing())
        with stopping_between_blocks() as stop_if_asked:
            while True:
                block = next(computed, None)
                while queue and queue[0][2]:
                    yield self._found(*queue.popleft()[:2], compute)
                kept = None if block is None else self._keep(queue.popleft()[0], block)
                stop_if_asked()
                if kept is None:
                    return
                yield kept

    def _found(self, name: str, given: Any, compute: Compute) -> Block:
        block = self.read(name)
        return self._keep(name, next(compute([given]))) if block is None else block

    def _keep(self, name: str, made: Block) -> Block:
        self.counts.computed += 1
        if time.monotonic() - self._started >= self.grace:
            self.write(name, made)
        return made

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


def step(key: str) -> str:
    """Return the name of a block that is no range of draws: `key` says everything it depends on but the run."""
    return f"step-{sha256(key.encode()).hexdigest()[:32]}"


def _of(place: Range) -> str:
    return f"draws-{place[0]:012}-{place[1]:09}"
