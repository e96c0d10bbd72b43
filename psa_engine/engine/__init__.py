"""The engine: a model and its parameters compiled and run in blocks, on whatever device there is."""

from psa_engine.engine.devices import configure, devices, versions
from psa_engine.engine.plan import RunPlan

configure()

from psa_engine.engine.evaluate import base_case, evaluate  # noqa: E402
from psa_engine.engine.run import run_psa  # noqa: E402
from psa_engine.engine.trace import cohort_trace, cohort_traces, named_edges  # noqa: E402

__all__ = [
    "RunPlan",
    "base_case",
    "cohort_trace",
    "cohort_traces",
    "configure",
    "devices",
    "evaluate",
    "named_edges",
    "run_psa",
    "versions",
]
