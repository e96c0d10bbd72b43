"""Renew the tables and the figure of README.md and benchmarks/README.md from the results files; run as a script."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaling import draw, fits, scaling_markdown

from psa_engine.report.benchmark import benchmark_markdown

HERE = Path(__file__).parent
RESULTS, FIGURE = HERE / "results", HERE / "results" / "scaling.svg"
DOCUMENTS = (HERE.parent / "README.md", HERE / "README.md")
TABLE = re.compile(r"(<!-- benchmark:(.*?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def kept() -> dict[str, Any]:
    """Return every results file by its name: "latest", "long", "peers"."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))}


def renewed(text: str, results: Mapping[str, Any]) -> str:
    """Return a document with its tables made anew.

    `<!-- benchmark:WORK -->` holds the rows of latest.json whose work starts so, `<!-- benchmark:long=WORK -->`
    those of long.json, `<!-- benchmark:scaling fits -->` the fits of all.
    """

    def table(found: re.Match) -> str:
        file, _, works = found[2].rpartition("=")
        if works == "scaling fits":
            made = scaling_markdown(list(results.values()))
        elif (file or "latest") in results:
            made = benchmark_markdown(results[file or "latest"], works)
        else:
            made = "Not measured yet.\n"
        return found[1] + made + found[4]

    return TABLE.sub(table, text)


def main() -> None:
    results = kept()
    for document in DOCUMENTS:
        document.write_text(renewed(document.read_text("utf-8"), results), "utf-8")
    if fits(list(results.values())):
        draw(list(results.values()), FIGURE)


if __name__ == "__main__":
    main()
