"""Try every fault that a stored run must survive, and print what became of it; run as `make reliability`.

Each run is stopped, goes on with `psa-engine resume`, and is compared to the bit with one that never stopped.
A lost block is one that was finished and undamaged before the fault and was computed again after it.
"""

import copy
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from stored_runs import SIZE, assert_same_bits, results, started, stored_blocks, wait_for_blocks  # noqa: E402

N_BLOCKS = 40
SOON = 12
"""Blocks after which there are enough left for a fault that takes a moment to bring about."""
RUN = ("run", "two_state", "--draws", N_BLOCKS * SIZE - 25, "--block", SIZE, "--seed", 11, "--keep-blocks")
DOCUMENT = HERE.parent / "docs" / "reliability.md"


@dataclass(frozen=True)
class Outcome:
    """One fault tried: whether the run went on to the same bits, and how many finished blocks were lost."""

    same: bool
    lost: int


EVPPI = (
    *("evppi", "two_state", "--of", "hazard_ratio", "--method", "nested", "--rtol", 0.01),
    "--keep-blocks",
)


class Bench:
    """A folder to break runs in, with runs that never stopped to compare with."""

    def __init__(self, place: Path):
        self.place, self.numbers = place, count(1)
        self.whole, self.whole_evppi = place / "whole", place / "evppi"
        begun = time.monotonic()
        self.ended(started(*RUN, "--out", self.whole), 0)
        self.seconds = time.monotonic() - begun
        self.ended(started(*EVPPI, "--out", self.whole_evppi), 0)
        self.chance = random.Random()

    def trial(self, seed: str) -> "Bench":
        """Return the bench with chances of its own."""
        mine = copy.copy(self)
        mine.chance = random.Random(seed)
        return mine

    def folder(self) -> Path:
        return self.place / f"run-{next(self.numbers)}"

    def ended(self, process: subprocess.Popen, code: int) -> str:
        """Wait for a process; return what it said, having checked its exit code."""
        _, said = process.communicate(timeout=600)
        assert process.returncode == code, f"exit code {process.returncode}, not {code}: {said}"
        return said

    def goes_on(self, folder: Path, command: tuple = ("resume",), finished: int | None = None) -> Outcome:
        """Resume a run and compare it; `finished` blocks were whole, by default those that are there."""
        finished = len(stored_blocks(folder)) if finished is None else finished
        words = (*command, folder) if command == ("resume",) else (*command, "--out", folder)
        said = self.ended(started(*words), 0)
        found = re.search(r"(\d+) blocks were found", said)
        assert_same_bits(folder, self.whole)
        shutil.rmtree(folder)
        return Outcome(True, finished - int(found[1] if found else 0))


def killed(bench: Bench) -> Outcome:
    """kill -9 at a moment chosen at random over a whole run"""
    folder = bench.folder()
    process = started(*RUN, "--out", folder)
    with suppress(subprocess.TimeoutExpired):
        process.wait(bench.chance.uniform(0.3, 1) * bench.seconds)
    process.kill()
    process.communicate()
    there = (folder / "blocks" / "manifest.json").exists()
    return bench.goes_on(folder, ("resume",) if there else RUN)


def killed_among_blocks(bench: Bench) -> Outcome:
    """kill -9 while blocks are written"""
    folder = bench.folder()
    process = started(*RUN, "--out", folder)
    wait_for_blocks(process, folder, bench.chance.randrange(N_BLOCKS))
    time.sleep(bench.chance.uniform(0, 0.01))
    process.kill()
    process.communicate()
    there = (folder / "blocks" / "manifest.json").exists()
    return bench.goes_on(folder, ("resume",) if there else RUN)


def killed_again_and_again(bench: Bench) -> Outcome:
    """kill -9 of a run and of four resumptions of it"""
    folder, lost = bench.folder(), 0
    for k in range(5):
        there = (folder / "blocks" / "manifest.json").exists()
        process = started(*(("resume", folder) if there else (*RUN, "--out", folder)))
        wait_for_blocks(process, folder, 8 * k + bench.chance.randrange(8))
        process.kill()
        process.communicate()
        assert len(stored_blocks(folder)) >= lost
        lost = len(stored_blocks(folder))
    return bench.goes_on(folder)


def signalled(bench: Bench) -> Outcome:
    """SIGINT or SIGTERM: the block in hand is stored, exit code 130 or 143"""
    folder, number = bench.folder(), bench.chance.choice([signal.SIGINT, signal.SIGTERM])
    process = started(*RUN, "--out", folder)
    wait_for_blocks(process, folder, bench.chance.randrange(1, N_BLOCKS - 15))
    process.send_signal(number)
    bench.ended(process, 128 + number)
    return bench.goes_on(folder)


def disk_full(bench: Bench) -> Outcome:
    """A disk of its own (tmpfs) fills up; more room is made"""
    with own_disk(bench.folder(), "1500k") as (folder, remount):
        bench.ended(started(*RUN, "--out", folder / "out"), 4)
        remount("size=200m")
        return bench.goes_on(folder / "out")


def disk_read_only(bench: Bench) -> Outcome:
    """The disk is read-only when a killed run is to go on, which says so; it is mounted for writing again"""
    with own_disk(bench.folder(), "200m") as (folder, remount):
        process = started(*RUN, "--out", folder / "out")
        wait_for_blocks(process, folder / "out", bench.chance.randrange(1, N_BLOCKS - 15))
        process.kill()
        process.communicate()
        remount("ro")
        bench.ended(started("resume", folder / "out"), 2)
        remount("rw")
        return bench.goes_on(folder / "out")


def read_only_meanwhile(bench: Bench) -> Outcome:
    """The stored blocks become read-only during the run, which says so; they are made writable again"""
    folder = bench.folder()
    blocks = str(folder / "blocks")
    Path(blocks).mkdir(parents=True)
    # A mount of its own: of the whole disk the kernel would not let go while files on it are open.
    system("mount", "--bind", blocks, blocks)
    process = started(*RUN, "--out", folder)
    try:
        wait_for_blocks(process, folder, bench.chance.randrange(1, SOON))
        until_free("mount", "-o", "remount,ro,bind", blocks)
        said = bench.ended(process, 4)
        assert "The disk is read-only" in said, said
    finally:
        process.kill()
        process.wait()
        system("umount", blocks)
    return bench.goes_on(folder)


def permission_lost(bench: Bench) -> Outcome:
    """Permission to write is taken away during the run, which says so; it is given back"""
    folder = bench.folder()
    bounded = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")  # else root may write anywhere
    process = started(*RUN, "--out", folder, under=bounded)
    wait_for_blocks(process, folder, bench.chance.randrange(1, SOON))
    (folder / "blocks").chmod(0o555)
    said = bench.ended(process, 4)
    assert "Permission to write is gone" in said, said
    (folder / "blocks").chmod(0o755)
    return bench.goes_on(folder)


def manifest_damaged(bench: Bench) -> Outcome:
    """The manifest of a killed run is cut short, has a bit flipped, is emptied or is missing"""
    folder, path = half_a_run(bench), "manifest.json"
    harm(folder / "blocks" / path, bench.chance)
    return bench.goes_on(folder)


def both_manifests_damaged(bench: Bench) -> Outcome:
    """The manifest and its copy are both damaged so; the command that started the run is given again"""
    folder = half_a_run(bench)
    for path in ("manifest.json", "manifest.copy.json"):
        harm(folder / "blocks" / path, bench.chance)
    return bench.goes_on(folder, RUN)


def half_a_run(bench: Bench) -> Path:
    folder = bench.folder()
    shutil.copytree(bench.whole / "blocks", folder / "blocks")
    for block in bench.chance.sample(stored_blocks(folder), N_BLOCKS // 2):
        block.unlink()
    return folder


def harm(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    bit = chance.randrange(8 * len(data))
    flipped = bytes(b ^ (1 << bit % 8) * (i == bit // 8) for i, b in enumerate(data))
    harmed = chance.choice([data[: chance.randrange(len(data))], flipped, b"", None])
    path.unlink() if harmed is None else path.write_bytes(harmed)


def folder_removed(bench: Bench) -> Outcome:
    """The result folder is removed during the run, which says so; the run is made anew"""
    folder = bench.folder()
    process = started(*RUN, "--out", folder)
    wait_for_blocks(process, folder, bench.chance.randrange(1, N_BLOCKS - 15))
    shutil.rmtree(folder.rename(bench.folder()))
    bench.ended(process, 4)
    return bench.goes_on(folder, RUN, finished=0)


def damaged(bench: Bench) -> Outcome:
    """Five blocks each cut short, with a bit flipped, emptied, exchanged with another, or missing"""
    folder, chance = bench.folder(), bench.chance
    shutil.copytree(bench.whole / "blocks", folder / "blocks")
    *five, other = chance.sample(stored_blocks(folder), 6)
    data = [path.read_bytes() for path in five]
    five[0].write_bytes(data[0][: chance.randrange(len(data[0]))])
    bit = chance.randrange(8 * len(data[1]))
    five[1].write_bytes(bytes(b ^ (1 << bit % 8) * (i == bit // 8) for i, b in enumerate(data[1])))
    five[2].write_bytes(b"")
    five[3].write_bytes(other.read_bytes())
    five[4].unlink()
    return bench.goes_on(folder, finished=N_BLOCKS - 5)


@contextmanager
def own_disk(folder: Path, size: str) -> Iterator[tuple[Path, Callable[[str], object]]]:
    """A small disk in memory, and what changes its options; needs root on Linux."""
    folder.mkdir(parents=True)

    def mount(options: str) -> None:
        system("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))

    mount(f"size={size}")
    try:
        yield folder, lambda options: mount(f"remount,{options}")
    finally:
        system("umount", str(folder))


def system(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


def until_free(*words: str) -> None:
    """Call a command that is refused as long as a file is being written."""
    for _ in range(200):
        if subprocess.run(words, capture_output=True).returncode == 0:
            return
        time.sleep(0.001)
    system(*words)


def evppi_killed(bench: Bench) -> Outcome:
    """kill -9 of a nested EVPPI while steps are written"""
    folder = bench.folder()
    process, wanted = started(*EVPPI, "--out", folder), bench.chance.randrange(1, 6)
    while process.poll() is None and len(list((folder / "blocks").glob("step-*"))) < wanted:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    finished = len(list((folder / "blocks").glob("step-*")))
    said = bench.ended(started("resume", folder), 0)
    same = results(folder)["evppi"] == results(bench.whole_evppi)["evppi"]
    return Outcome(same, finished - int(re.search(r"(\d+) blocks were found", said)[1]))  # type: ignore[index]


FAULTS: dict[Callable[[Bench], Outcome], int] = {
    killed: 20,
    killed_among_blocks: 20,
    killed_again_and_again: 3,
    signalled: 8,
    disk_full: 3,
    disk_read_only: 3,
    read_only_meanwhile: 3,
    permission_lost: 3,
    folder_removed: 3,
    damaged: 10,
    manifest_damaged: 10,
    both_manifests_damaged: 5,
    evppi_killed: 5,
}


NEED_ROOT = (disk_full, disk_read_only, read_only_meanwhile, permission_lost)


def may_mount() -> bool:
    """Whether this process may mount disks and leave out what root may do."""
    return sys.platform == "linux" and os.geteuid() == 0 and all(map(shutil.which, ("mount", "setpriv")))


def tried(seed: int = 1, share: float = 1.0) -> list[str]:
    """Return the rows of the table: each fault, how often it was tried, survived, and blocks lost."""
    rows = ["| fault | tried | same bits after it | finished blocks lost |", "|---|---:|---:|---:|"]
    # Two at a time: more would wait for each other's processors, and fewer leave some idle.
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:
        bench = Bench(Path(place))
        for fault, times in FAULTS.items():
            trials = [
                bench.trial(f"{seed} {fault.__name__} {i}") for i in range(max(1, round(share * times)))
            ]
            if fault in NEED_ROOT and not may_mount():
                rows.append(f"| {fault.__doc__} | not tried: needs root on Linux | | |")
                continue
            found = list(pool.map(fault, trials))
            same, lost = sum(one.same for one in found), sum(one.lost for one in found)
            rows.append(f"| {fault.__doc__} | {len(found)} | {same} | {lost} |")
            print(rows[-1], file=sys.stderr)
        n, lost = (sum(int(cell) for cell in column) for column in zip(*_counted(rows), strict=True))
        rows.append(f"| together | {n} | | {lost} |")
    return rows


def _counted(rows: list[str]) -> list[tuple[str, str]]:
    """How often each fault was tried, and blocks lost, as written."""
    cells = [[cell.strip() for cell in row.split("|")] for row in rows[2:]]
    return [(row[2], row[4]) for row in cells if row[2].isdigit()]


def main() -> None:
    table = "\n".join(tried())
    print(table)
    text = DOCUMENT.read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- faults -->\n).*?(<!-- end -->)", re.DOTALL)
    DOCUMENT.write_text(marked.sub(lambda m: f"{m[1]}{table}\n{m[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
