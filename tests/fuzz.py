"""Damaged inputs by the hundred thousand, guided by the code they reach (`make fuzz`).

`python tests/fuzz.py` tries every reader of tests/hostile.py in processes of their own and prints how many inputs
each read and refused; an input that does anything else is kept in a file and ends the process. Guided by
atheris where it is installed, else damaged at random.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

SHARES = {
    **{"yaml": 0.05, "content": 0.46, "csv": 0.14, "parquet": 0.17, "header": 0.04, "results": 0.04},
    **{"workbook": 0.03, "manifest": 0.03, "block": 0.04},
}
AT_ONCE = 10_000
"""Inputs that one process tries."""
KEPT = Path(__file__).parents[1] / "build"
"""Where an input that does harm is kept."""
FILES = {
    "yaml": "configuration (YAML), checked and made ready to run",
    "content": "what a configuration can say (from JSON), checked and made ready to run",
    "csv": "table (CSV), as a sample, rows of a posterior, a life table and a table of parameters",
    "parquet": "sample (Parquet)",
    "header": "sample.json",
    "results": "results.json",
    "workbook": "table of parameters (XLSX)",
    "manifest": "manifest of an unfinished run, with a right checksum, gone on with to where it would run",
    "block": "stored block, with a right checksum",
}
DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability.md"
MAX_LENGTH = 60_000


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("reader", nargs="?", choices=SHARES)
    asked.add_argument("--inputs", type=int, default=200_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--document", action="store_true", help="Write the table into docs/reliability.md.")
    given = asked.parse_args()
    if given.reader:
        one(given.reader, given.inputs, given.seed)
        return
    pieces = [
        (name, min(AT_ONCE, n - first), given.seed * 1_000 + first // AT_ONCE)
        for name, n in ((name, round(share * given.inputs)) for name, share in SHARES.items())
        for first in range(0, n, AT_ONCE)
    ]
    counts: dict[str, Counter] = {name: Counter() for name in SHARES}
    with ThreadPoolExecutor(os.cpu_count()) as processes:
        for name, count in processes.map(apart, pieces):
            counts[name].update(count)
            print(name, count, flush=True)
    if given.document:
        text = DOCUMENT.read_text(encoding="utf-8")
        marked = re.compile(r"(<!-- inputs -->\n).*?(<!-- end -->)", re.DOTALL)
        DOCUMENT.write_text(marked.sub(lambda m: f"{m[1]}{table(counts)}\n{m[2]}", text), encoding="utf-8")
    print(
        f"{sum(c['inputs'] for c in counts.values()):,} inputs tried, none did anything but be read or refused."
    )


def apart(piece: tuple[str, int, int]) -> tuple[str, dict[str, int]]:
    """Try inputs in a process of its own, and return what became of them; the whole trial ends where it fails."""
    name, n, seed = piece
    command = [sys.executable, __file__, name, "--inputs", str(n), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True)
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode or not last.startswith("{"):
        print(f"{name} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}", file=sys.stderr, flush=True)
        os._exit(1)
    return name, json.loads(last)


def table(counts: dict[str, dict]) -> str:
    rows = [
        "| file | damaged inputs tried | read | refused in words | anything else |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, c in counts.items():
        rows.append(
            f"| {FILES[name]} | {c['inputs']:,} | {c.get('read', 0):,} | {c.get('refused', 0):,} | 0 |"
        )
    return "\n".join([*rows, f"| together | {sum(c['inputs'] for c in counts.values()):,} | | | 0 |"])


def one(name: str, inputs: int, seed: int) -> None:
    try:
        import atheris
    except ImportError:
        atheris = None
    if atheris:
        with atheris.instrument_imports(include=["psa_engine", "ruamel"]):
            from hostile import READERS, folder_for, tried
    else:
        from hostile import READERS, folder_for, tried
    reader, counts, start = READERS[name], Counter(), time.process_time()
    with folder_for(reader) as folder, tempfile.TemporaryDirectory() as corpus:

        def attempt(data: bytes) -> None:
            counts[tried(reader, data, folder)] += 1
            if counts.total() == inputs:
                seconds = round(time.process_time() - start)
                print(json.dumps({"inputs": inputs, **counts, "seconds": seconds}), flush=True)

        def damaged(data: bytes, longest: int, seed: int) -> bytes:
            random = Random(seed)
            fresh = not data or random.random() < 0.4
            return reader.damaged(random.choice(reader.seeds) if fresh else data, random)[:longest]

        if not atheris:
            random = Random(seed)
            for _ in range(inputs):
                attempt(damaged(b"", MAX_LENGTH, random.getrandbits(32)))
            return
        KEPT.mkdir(exist_ok=True)
        for i, data in enumerate(reader.seeds):
            Path(corpus, str(i)).write_bytes(data)
        options = [
            f"-runs={inputs}",
            f"-seed={seed}",
            f"-max_len={MAX_LENGTH}",
            "-timeout=60",
            "-rss_limit_mb=6000",
            f"-artifact_prefix={KEPT}/fuzz-{name}-",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], attempt, custom_mutator=damaged)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
