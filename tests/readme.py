"""The README's own code, commands and result table, for the tests; run as a script it renews the table."""

import json
import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
TABLE = re.compile(r"(<!-- results:(\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def commands() -> list[str]:
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line]


def table(results: dict) -> str:
    from psa_engine.report.markdown import incremental_markdown

    return incremental_markdown(results) + "\n"


def numbers(text: str) -> list[float]:
    return [float(x.replace(",", "")) for x in re.findall(r"(?<![\w.])-?\d[\d,]*\.?\d*", text)]


def main() -> None:
    import sys

    results = json.loads(Path(sys.argv[1], "results.json").read_text(encoding="utf-8"))
    text = README.read_text(encoding="utf-8")
    renewed = TABLE.sub(lambda m: m[1] + table(results) + m[4] if m[2] == results["name"] else m[0], text)
    README.write_text(renewed, encoding="utf-8")


if __name__ == "__main__":
    main()
