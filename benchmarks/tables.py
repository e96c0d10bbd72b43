"""Renew the tables of README.md and benchmarks/README.md from the results file; run as a script."""

import json
import re
from pathlib import Path

from psa_engine.report.benchmark import benchmark_markdown

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "latest.json"
TABLE = re.compile(r"(<!-- benchmark:(.*?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def renewed(text: str, results: dict) -> str:
    """Return a document with each `<!-- benchmark:WORK -->` table made from the results whose work starts so."""
    return TABLE.sub(lambda m: m[1] + benchmark_markdown(results, m[2]) + m[4], text)


def main() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for document in (HERE.parent / "README.md", HERE / "README.md"):
        document.write_text(renewed(document.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
