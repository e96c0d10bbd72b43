"""`psa-engine report`: pages from result folders; nothing is run."""

from pathlib import Path

from psa_engine.errors import InputError
from psa_engine.report.page import report_html
from psa_engine.report.reading import read_results, write_page
from psa_engine.report.terminal import console


def report_folder(folder: Path, out: Path | None) -> None:
    """Write the page of a result folder; InputError for a folder that holds no whole result."""
    results = read_results(folder)
    path = out or folder / "report.html"
    try:
        html = report_html(results)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(
            f"'{folder / 'results.json'}' is damaged, or of another version: {error!r}.", hint="Run it again."
        ) from error
    write_page(path, html)
    console().print(f"Written: {path}.")
