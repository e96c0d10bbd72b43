"""Runs in a loop, to see that memory and open files stay as they are: python benchmarks/soak.py --minutes 60

All rounds are in one process, and of three kinds in turn: a configuration is run, its result folder written and its
sample read back; the command line stores a run in blocks, two of them are taken away, and it goes on; the value of
information is computed by regression and by two nested loops. After the first rounds, in which things are loaded and
compiled, memory may grow by no more than MEMORY_MIB and open files not at all, or the script ends with exit code 1.
"""

import argparse
import contextlib
import gc
import io
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

CONFIGS = ("two_state", "sick_sicker")
WARM_UP = 12
BLOCK = 1_024
MEMORY_MIB = 50


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--minutes", type=float, default=60.0)
    asked.add_argument("--draws", type=int, default=5_000)
    given = asked.parse_args()
    end, measured = time.monotonic() + 60 * given.minutes, []
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end or len(measured) < WARM_UP + 2:
            k = len(measured)
            ROUNDS[k % len(ROUNDS)](Path(folder), CONFIGS[k // len(ROUNDS) % len(CONFIGS)], k, given.draws)
            gc.collect()
            measured.append((resident_mib(), open_files(), threading.active_count()))
            if len(measured) % 20 == 0:
                print(f"round {len(measured)}: {said(measured[-1])}", flush=True)
    sys.exit(verdict(measured))


def run_and_written(folder: Path, config: str, seed: int, n_draws: int) -> None:
    from psa_engine import PsaSample, base_case, load_analysis, run_psa
    from psa_engine.report.files import writable_folder, write_results
    from psa_engine.summary import summarise

    analysis = load_analysis(config).with_settings(n_draws=n_draws, seed=seed)
    sample = run_psa(analysis.model, analysis.parameters, plan=analysis.plan)
    results = summarise(analysis, sample, base_case(analysis.model, analysis.parameters))
    write_results(writable_folder(folder / analysis.name), results, sample)
    again = PsaSample.from_parquet(folder / analysis.name / "sample.parquet")
    assert again.cost_values.tobytes() == sample.cost_values.tobytes()


def stored_and_gone_on_with(folder: Path, config: str, seed: int, n_draws: int) -> None:
    out = folder / f"stored-{config}"
    asked = ("--draws", n_draws, "--block", BLOCK, "--seed", seed, "--restart", "--keep-blocks", "--out", out)
    command_line("run", config, *asked)
    before = (out / "sample.parquet").read_bytes()
    for block in sorted((out / "blocks").glob("draws-*"))[::3]:
        block.unlink()
    command_line("resume", out)
    assert samples_bits(out) == samples_bits(before)


def informed(folder: Path, config: str, seed: int, n_draws: int) -> None:
    from psa_engine import evppi, load_analysis, run_psa

    analysis = load_analysis(config).with_settings(n_draws=n_draws, seed=seed)
    sample = run_psa(analysis.model, analysis.parameters, plan=analysis.plan)
    first = next(iter(sample.parameter_values))
    evppi(sample, of=[first], wtp=analysis.settings.wtp)
    nested = ("--method", "nested", "--rtol", 0.2, "--seed", seed, "--restart")
    command_line("evppi", config, "--of", first, *nested, "--out", folder / f"nested-{config}")


ROUNDS = (run_and_written, stored_and_gone_on_with, informed)


def command_line(*words: object) -> None:
    """Run the command line in this process; what it prints is dropped."""
    from psa_engine.cli.app import app

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        app([str(word) for word in words], standalone_mode=False)


def samples_bits(file: Path | bytes) -> bytes:
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(file) if isinstance(file, bytes) else file / "sample.parquet")
    return b"".join(column.to_numpy().tobytes() for column in table.columns)


def verdict(measured: list[tuple[float, int, int]]) -> int:
    """Print first and last, and return the exit code: the medians of the first and last quarter are compared."""
    kept = measured[WARM_UP:]
    quarter = max(1, len(kept) // 4)
    first, last = (
        tuple(sorted(column)[len(column) // 2] for column in zip(*part, strict=True))
        for part in (kept[:quarter], kept[-quarter:])
    )
    print(f"{len(measured)} rounds; after the first {WARM_UP}: {said(first)}; at the end: {said(last)}.")
    grown = last[0] - first[0] > MEMORY_MIB or last[1] > first[1] or last[2] > first[2]
    print(
        "Memory, files or threads grew." if grown else "Memory is flat, and no file or thread is left behind."
    )
    return int(grown)


def said(at: tuple[float, int, int]) -> str:
    return f"{at[0]:,.0f} MiB, {at[1]} open files, {at[2]} threads"


def resident_mib() -> float:
    """What is resident now (not the highest it was), from /proc."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


if __name__ == "__main__":
    main()
