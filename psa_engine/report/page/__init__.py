"""The report page: one HTML file with charts, tables, evidence and what is needed to make it again."""

from psa_engine.report.page.compare import compare_html
from psa_engine.report.page.render import report_html

__all__ = ["compare_html", "report_html"]
