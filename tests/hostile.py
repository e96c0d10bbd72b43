"""Readers of files from elsewhere, and what an input may do to them: be read, or be refused in words.

A `Reader` has inputs to start from, a way to damage them, and a way to read them. `tried` reads one input
under watch: an exception that is no InputError, more than SECONDS of processor time, code that runs, a file
written or a connection made all raise.
"""

import contextlib
import json
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from unittest.mock import patch

import hostile_content
import hostile_csv
import hostile_parquet
import hostile_runs
import hostile_yaml

from psa_engine.accrual import read_age_table
from psa_engine.cli import resume
from psa_engine.cli.run import requested
from psa_engine.config import check, read_document
from psa_engine.config.analysis import prepare
from psa_engine.config.document import Document
from psa_engine.config.parameter_table import read_parameter_table
from psa_engine.distributions import Empirical
from psa_engine.errors import InputError
from psa_engine.report.reading import NEEDED, read_results
from psa_engine.sample import PsaSample
from psa_engine.store.arrays import unpacked

SECONDS = 20
ACTS = (
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.remove",
    "os.rename",
)
ACTS += (
    "subprocess.",
    "socket.",
    "shutil.",
    "pickle.",
    "ctypes.",
    "exec",
    "os.mkdir",
    "os.symlink",
    "os.chmod",
)

_watching = False


class Acted(BaseException):
    """An input made its reader do something."""


@dataclass(frozen=True)
class Reader:
    """How files of one kind are made, damaged and read; `read` takes the folder that the file `name` is in."""

    name: str
    seeds: tuple[bytes, ...]
    damaged: Callable[[bytes, Random], bytes]
    read: Callable[[Path], object]


def tried(reader: Reader, data: bytes, folder: Path) -> str:
    """Write `data` to its file in the folder and read it: "read" or "refused"; anything else raises."""
    (folder / reader.name).write_bytes(data)
    try:
        with watched(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            reader.read(folder)
    except InputError as error:
        if not str(error):
            raise
        return "refused"
    return "read"


@contextlib.contextmanager
def watched() -> Iterator[None]:
    global _watching
    before = signal.signal(signal.SIGVTALRM, _too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    _watching = True
    try:
        yield
    finally:
        _watching = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _too_long(*_: object) -> None:
    raise TimeoutError(f"An input took more than {SECONDS} seconds.")


def _hook(event: str, arguments: tuple) -> None:
    if not _watching:
        return
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    # Packages import parts of themselves, and make records, when first used: that code is theirs.
    theirs = event == "exec" and arguments[0].co_filename.startswith(
        ("<", sys.prefix, sys.base_prefix, str(ROOT))
    )
    if writes or (event.startswith(ACTS) and not theirs):
        raise Acted(f"{event} {arguments!r:.200}")


ROOT = Path(__file__).parents[1]
sys.addaudithook(_hook)


def _read_yaml(folder: Path) -> None:
    _made_ready(read_document(folder / "config.yaml"))


def _read_content(folder: Path) -> None:
    """What a file of YAML can say, said in JSON, which is read twenty times as fast."""
    _made_ready(Document(json.loads((folder / "content.json").read_bytes()), "content.json", "", folder))


def _made_ready(document: Document) -> None:
    """All that is done before anything is compiled: check, build model and distributions, overlays too."""
    analysis = prepare(check(document))
    overlays = [
        *map(analysis.with_scenario, analysis.scenarios),
        *map(analysis.with_subgroup, analysis.subgroups),
    ]
    for under in (analysis, *overlays):
        under.parameters.inputs()
        under.model.inputs()


def _read_csv(folder: Path) -> None:
    """As a sample, as rows of a posterior, as a life table, as a table of parameters: each on its own."""
    readers = (
        lambda: PsaSample.from_csv(folder),
        lambda: Empirical.from_csv(folder / "costs.csv"),
        lambda: read_age_table("costs.csv", folder),
        lambda: read_parameter_table(folder / "costs.csv"),
    )
    refusals = []
    for read in readers:
        try:
            read()
        except InputError as error:
            refusals.append(error)
    if len(refusals) == len(readers):
        raise refusals[0]


def _read_manifest(folder: Path) -> None:
    """Go on with a run up to where it would be made."""
    stopped = {
        "run_analysis": lambda asked: requested(asked.config, asked.settings, asked.assignments),
        "sweep_command": lambda asked, *_, **__: asked.analysis(),
        "_INFORMATION": {
            k: (lambda asked, **_: asked.analysis, options) for k, (_, options) in resume._INFORMATION.items()
        },
    }
    with patch.multiple(resume, **stopped):
        resume.resume_command(folder, None, False, False)


def _read_block(folder: Path) -> None:
    if unpacked((folder / "block").read_bytes(), hostile_runs.LABEL) is None:
        raise InputError("It is damaged.")


YAML = Reader("config.yaml", hostile_yaml.SEEDS, hostile_yaml.damaged, _read_yaml)
CONTENT = Reader("content.json", hostile_content.SEEDS, hostile_content.damaged, _read_content)
CSV = Reader("costs.csv", hostile_csv.SEEDS, hostile_csv.damaged, _read_csv)
HEADER = Reader("sample.json", hostile_csv.HEADERS, hostile_csv.damaged, lambda f: PsaSample.from_csv(f))
PARQUET = Reader(
    "sample.parquet", hostile_parquet.SEEDS, hostile_parquet.damaged,
    lambda f: PsaSample.from_parquet(f / "sample.parquet"),
)  # fmt: skip
WORKBOOK = Reader(
    "table.xlsx", (hostile_csv.workbook(),), hostile_csv.damaged_bytes,
    lambda f: read_parameter_table(f / "table.xlsx"),
)  # fmt: skip
WHOLE = json.dumps({key: [] for key in NEEDED}, indent=0).encode()
RESULTS = Reader("results.json", (WHOLE, *hostile_csv.HEADERS), hostile_csv.damaged, read_results)
MANIFEST = Reader(
    "blocks/manifest.json", hostile_runs.MANIFESTS, hostile_runs.damaged_manifest, _read_manifest
)
BLOCK = Reader("block", hostile_runs.BLOCKS, hostile_runs.damaged_block, _read_block)
READERS = {
    "yaml": YAML, "content": CONTENT, "csv": CSV, "header": HEADER, "parquet": PARQUET, "workbook": WORKBOOK,
    "results": RESULTS, "manifest": MANIFEST, "block": BLOCK,
}  # fmt: skip


@contextlib.contextmanager
def folder_for(reader: Reader) -> Iterator[Path]:
    """A folder with what a file of this kind is read with; whatever loads at a first use is loaded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "blocks" / "configuration").mkdir(parents=True)
        (folder / "blocks" / "configuration" / "trial.yaml").write_bytes(hostile_runs.CONFIG)
        (folder / "costs.csv").write_bytes(hostile_csv.SEEDS[0])
        (folder / "effects.csv").write_bytes(hostile_csv.SEEDS[0])
        for seed in reader.seeds:
            (folder / reader.name).write_bytes(seed)
            with contextlib.suppress(InputError):
                reader.read(folder)
        yield folder
