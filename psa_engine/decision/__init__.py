"""What is worth paying for and how sure one can be: pure functions of a `PsaSample`."""

from psa_engine.decision.acceptability import ceac, ceaf
from psa_engine.decision.incremental import frontier, icers
from psa_engine.decision.loss import evpi, expected_loss
from psa_engine.decision.means import mean_outcomes
from psa_engine.decision.net_benefit import (
    DEFAULT_WTP,
    mean_net_benefit,
    net_health_benefit,
    net_monetary_benefit,
    wtp_grid,
)
from psa_engine.decision.pairwise import pairwise_icers
from psa_engine.decision.severity import Shortfall, severity_weight
from psa_engine.decision.threshold_price import threshold_price

__all__ = [
    "DEFAULT_WTP",
    "Shortfall",
    "ceac",
    "ceaf",
    "evpi",
    "expected_loss",
    "frontier",
    "icers",
    "mean_net_benefit",
    "mean_outcomes",
    "net_health_benefit",
    "net_monetary_benefit",
    "pairwise_icers",
    "severity_weight",
    "threshold_price",
    "wtp_grid",
]
