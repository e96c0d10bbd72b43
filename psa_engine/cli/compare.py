"""`psa-engine compare`: two result folders side by side, in the terminal and as a page; nothing is run."""

from pathlib import Path

import typer

from psa_engine.report.files import as_json
from psa_engine.report.page import compare_html
from psa_engine.report.reading import read_results, reading, write_page
from psa_engine.report.terminal import console
from psa_engine.report.terminal_compare import print_comparison
from psa_engine.summary.comparison import comparison


def compare_folders(first: Path, second: Path, out: Path, json: bool) -> None:
    """Compare two result folders; InputError for one that holds no whole result."""
    a, b = read_results(first), read_results(second)
    names = _names(first, second)
    with reading(f"{first}' or '{second}"):
        found = comparison(a, b)
        html = compare_html(a, b, found, names)
    write_page(out, html)
    if json:
        typer.echo(as_json(found), nl=False)
        return
    shown = console()
    print_comparison(shown, found, names)
    shown.print(f"Written: {out}.", markup=False, soft_wrap=True)


def _names(first: Path, second: Path) -> tuple[str, str]:
    """The names of the folders, or where these are the same the paths, or first and second."""
    for names in ((first.resolve().name, second.resolve().name), (str(first), str(second))):
        if names[0] != names[1]:
            return names
    return "first", "second"
