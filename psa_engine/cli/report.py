"""`psa-engine report`: pages from result folders; nothing is run."""

from pathlib import Path

from psa_engine.errors import InputError
from psa_engine.report.figures import write_figures
from psa_engine.report.page import report_html
from psa_engine.report.reading import read_results, write_page
from psa_engine.report.terminal import console


def report_folder(folder: Path, out: Path | None, figures: bool) -> None:
    """Write the page of a result folder, and figures if asked for; InputError where it holds no whole result."""
    results = read_results(folder)
    path = out or folder / "report.html"
    drawn = []
    try:
        html = report_html(results)
        if figures:
            drawn = write_figures(folder, results)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(
            f"'{folder / 'results.json'}' is damaged, or of another version: {error!r}.", hint="Run it again."
        ) from error
    write_page(path, html)
    also = f", and {len(drawn)} files in {folder / 'figures'}" if drawn else ""
    console().print(f"Written: {path}{also}.")
