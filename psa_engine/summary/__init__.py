"""A finished analysis as plain numbers, computed once: tables, results.json and reports only show them."""

from psa_engine.summary.confidential import shareable, withheld
from psa_engine.summary.information import evppi_rows, sample_evppi_rows
from psa_engine.summary.rows import plain, records
from psa_engine.summary.run import (
    base_case_rows,
    described,
    evidence_counts,
    scenario_row,
    summarise,
    with_changes,
)
from psa_engine.summary.studies import evsi_rows, sample_evsi_rows

__all__ = [
    "base_case_rows",
    "described",
    "evidence_counts",
    "evppi_rows",
    "evsi_rows",
    "plain",
    "records",
    "sample_evppi_rows",
    "sample_evsi_rows",
    "scenario_row",
    "shareable",
    "summarise",
    "with_changes",
    "withheld",
]
