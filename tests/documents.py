"""The documentation's pages: what they show, done in order as a reader would; as a script it renews their results."""

import contextlib
import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

from command_line import psa_engine
from readme import TABLE, table
from ruamel.yaml import YAML

from psa_engine.report.markdown import evppi_markdown, severity_markdown, studies_markdown
from psa_engine.report.words import evidence_sentence

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
SHOWN_ONLY = ("text", "r")
OTHERS = ("pip", "git", "make")
NOT_FOLLOWED = ("reliability.md", "cluster.md")
"""Their runs are long, killed on the way, or need a cluster: tests of stored runs and clusters do what they say."""

PARTS = {
    "evidence": evidence_sentence,
    "evppi": evppi_markdown,
    "severity": severity_markdown,
    "studies": studies_markdown,
}
"""What a page may show of a result besides its main table, between <!-- PART of NAME --> and <!-- end -->."""

FIGURES = ("frontier", "ceac", "evppi")
_PART = re.compile(r"(<!-- (\w+) of (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of code of a page; `title` is the file that the reader is to keep it in."""

    language: str
    title: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in _FENCE.findall(page.read_text(encoding="utf-8"))]


def commands(page: Path) -> list[str]:
    lines = [
        line.split(" #")[0].strip()
        for b in blocks(page)
        if b.language == "sh"
        for line in b.text.splitlines()
    ]
    return [line for line in lines if line]


def follow(page: Path, folder: Path) -> None:
    """Do all that a page shows, in a folder: keep files, run commands and Python; AssertionError where one fails."""
    names: dict = {}
    with contextlib.chdir(folder):
        for language, title, text in blocks(page):
            if title:
                Path(title).write_text(text, encoding="utf-8")
            elif language == "python":
                exec(compile(text, str(page), "exec"), names)
            elif language == "sh":
                for line in text.splitlines():
                    run(line)
            elif language == "yaml":
                assert YAML(typ="safe").load(text)
            else:
                assert language in SHOWN_ONLY, language


def run(line: str) -> None:
    words, _, target = line.split(" #")[0].partition(">")
    program, *arguments = shlex.split(words)
    if program != "psa-engine":
        assert program in OTHERS, program
        return
    done = psa_engine(*arguments)
    assert done.code == 0, f"{line}: {done.err}"
    if target:
        Path(target.strip()).write_text(done.out, encoding="utf-8")


def shown(page: Path, results: dict) -> list[tuple[str, str]]:
    """Return what a page shows of a result, each beside what it should show."""
    text, name = page.read_text(encoding="utf-8"), results["name"]
    whole = [(m[3], table(results)) for m in TABLE.finditer(text) if m[2] == name]
    return whole + [(m[4], PARTS[m[2]](results) + "\n") for m in _PART.finditer(text) if m[3] == name]


def renew(page: Path, results: dict) -> None:
    text, name = page.read_text(encoding="utf-8"), results["name"]
    text = TABLE.sub(lambda m: m[1] + table(results) + m[4] if m[2] == name else m[0], text)
    text = _PART.sub(lambda m: m[1] + PARTS[m[2]](results) + "\n" + m[5] if m[3] == name else m[0], text)
    page.write_text(text, encoding="utf-8")


def draw(results: dict) -> None:
    """Draw the figures of a result anew, those that a page shows."""
    import vl_convert

    from psa_engine.report.page.charts import charts_of

    folder, charts = DOCS / "figures" / results["name"], charts_of(results)
    for name in FIGURES if folder.is_dir() else ():
        spec = {**charts[name].spec, "width": 520}
        # On paper white, and roomy, since the reader's font may be wider than the one it was measured with.
        roomy = {**spec["config"]["legend"], "columnPadding": 40}
        spec["config"] = {**spec["config"], "background": "white", "legend": roomy}
        svg = vl_convert.vegalite_to_svg(spec)
        short = re.sub(r"(\d+\.\d)\d+", r"\1", svg)  # tenths of a pixel
        (folder / f"{name}.svg").write_text(short, encoding="utf-8")


def main() -> None:
    import sys

    results = json.loads(Path(sys.argv[1], "results.json").read_text(encoding="utf-8"))
    for page in PAGES:
        renew(page, results)
    draw(results)


if __name__ == "__main__":
    main()
