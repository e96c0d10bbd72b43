"""Static figures for print, as SVG and PNG, drawn from a result's numbers; nothing is computed here."""

from psa_engine.report.figures.files import write_figures

__all__ = ["write_figures"]
