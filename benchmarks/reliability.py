"""Try every fault that a stored run must survive, and print what became of it; run as `make reliability`.

Each run is stopped, goes on with `psa-engine resume`, and is compared to the bit with one that never stopped.
A lost block is one that was finished and undamaged before the fault and was computed again after it.
"""

import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from stored_runs import SIZE, assert_same_bits, results, started, stored_blocks, wait_for_blocks  # noqa: E402

N_BLOCKS = 40
RUN = ("run", "two_state", "--draws", N_BLOCKS * SIZE - 25, "--block", SIZE, "--seed", 11, "--keep-blocks")
DOCUMENT = HERE.parent / "docs" / "reliability.md"


@dataclass(frozen=True)
class Outcome:
    """One fault tried: whether the run went on to the same bits, and how many finished blocks were lost."""

    same: bool
    lost: int


class Bench:
    """A folder to break runs in, with a run that never stopped to compare with."""

    def __init__(self, place: Path, chance: random.Random):
        self.place, self.chance, self.n = place, chance, 0
        self.whole = place / "whole"
        begun = time.monotonic()
        self.ended(started(*RUN, "--out", self.whole), 0)
        self.seconds = time.monotonic() - begun

    def folder(self) -> Path:
        self.n += 1
        return self.place / f"run-{self.n}"

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

    def mount(*words: str) -> None:
        subprocess.run(
            ["mount", "-t", "tmpfs", *words, "tmpfs", str(folder)], check=True, capture_output=True
        )

    mount("-o", f"size={size}")
    try:
        yield folder, lambda options: mount("-o", f"remount,{options}")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def evppi_killed(bench: Bench) -> Outcome:
    """kill -9 of a nested EVPPI while steps are written"""
    command = (
        "evppi",
        "two_state",
        "--of",
        "hazard_ratio",
        "--method",
        "nested",
        "--rtol",
        0.01,
        "--keep-blocks",
    )
    whole, folder = bench.place / "evppi", bench.folder()
    if not whole.exists():
        bench.ended(started(*command, "--out", whole), 0)
    process, wanted = started(*command, "--out", folder), bench.chance.randrange(1, 6)
    while process.poll() is None and len(list((folder / "blocks").glob("step-*"))) < wanted:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    finished = len(list((folder / "blocks").glob("step-*")))
    said = bench.ended(started("resume", folder), 0)
    same = results(folder)["evppi"] == results(whole)["evppi"]
    return Outcome(same, finished - int(re.search(r"(\d+) blocks were found", said)[1]))  # type: ignore[index]


FAULTS: dict[Callable[[Bench], Outcome], int] = {
    killed: 20,
    killed_among_blocks: 20,
    killed_again_and_again: 3,
    signalled: 8,
    disk_full: 3,
    disk_read_only: 3,
    folder_removed: 3,
    damaged: 10,
    evppi_killed: 5,
}


def tried(seed: int = 1, share: float = 1.0) -> list[str]:
    """Return the rows of the table: each fault, how often it was tried, survived, and blocks lost."""
    rows = ["| fault | tried | same bits after it | finished blocks lost |", "|---|---:|---:|---:|"]
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place), random.Random(seed))
        for fault, times in FAULTS.items():
            try:
                found = [fault(bench) for _ in range(max(1, round(share * times)))]
            except (PermissionError, subprocess.CalledProcessError):
                rows.append(f"| {fault.__doc__} | not tried: needs root | | |")
                continue
            same, lost = sum(one.same for one in found), sum(one.lost for one in found)
            rows.append(f"| {fault.__doc__} | {len(found)} | {same} | {lost} |")
            print(rows[-1], file=sys.stderr)
    return rows


def main() -> None:
    table = "\n".join(tried())
    print(table)
    text = DOCUMENT.read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- faults -->\n).*?(<!-- end -->)", re.DOTALL)
    DOCUMENT.write_text(marked.sub(lambda m: f"{m[1]}{table}\n{m[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
