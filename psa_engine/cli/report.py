"""`psa-engine report`: the page and figures of a result folder; nothing is run."""

from pathlib import Path

from psa_engine.report.figures import write_figures
from psa_engine.report.page import report_html
from psa_engine.report.reading import read_results, reading, write_page
from psa_engine.report.terminal import console


def report_folder(folder: Path, out: Path | None, figures: bool) -> None:
    """Write the page of a result folder, and figures if asked for; InputError where it holds no whole result."""
    results = read_results(folder)
    path = out or folder / "report.html"
    with reading(folder):
        html = report_html(results)
        drawn = write_figures(folder, results) if figures else []
    write_page(path, html)
    also = f", and {len(drawn)} files in {folder / 'figures'}" if drawn else ""
    console().print(f"Written: {path}{also}.", markup=False, soft_wrap=True)
