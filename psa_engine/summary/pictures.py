"""What only pictures and the page need of a run."""

from typing import Any

from psa_engine.sample import PsaSample
from psa_engine.summary.cohort import structure_rows, trace_rows
from psa_engine.summary.densities import density_rows
from psa_engine.summary.plane import plane_rows
from psa_engine.summary.product_prices import product_price_rows


def pictured(analysis: Any, sample: PsaSample) -> dict[str, Any]:
    """Return clouds, traces, densities, packs, the file as written."""
    values = analysis.parameters.means()
    return {
        "plane": plane_rows(sample),
        "structure": structure_rows(analysis.model, values),
        "traces": trace_rows(analysis.model, values),
        "densities": density_rows(analysis.parameters, sample),
        "product_prices": product_price_rows(analysis, sample),
        "configuration": analysis.text,
    }
