"""An independent reference in NumPy, float64, written to be read: it recomputes what the engine computes.

It imports nothing of the package outside this folder and reads models, timelines, parameter sets and
distributions as plain records. Slow on purpose; tests and benchmarks hold the engine against it.
"""

from psa_engine.reference.agreement import disagreement
from psa_engine.reference.cohort import evaluate, totals, trace
from psa_engine.reference.decision import ceac, ceaf, evpi, incremental, net_monetary_benefit
from psa_engine.reference.evppi import nested_evppi, regression_evppi
from psa_engine.reference.sampling import draws

__all__ = [
    "ceac",
    "ceaf",
    "disagreement",
    "draws",
    "evaluate",
    "evpi",
    "incremental",
    "nested_evppi",
    "net_monetary_benefit",
    "regression_evppi",
    "totals",
    "trace",
]
