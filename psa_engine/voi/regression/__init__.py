"""EVPPI from a PSA sample alone, by regression of costs and effects on the parameters of interest."""

from psa_engine.voi.regression.estimate import METHODS, estimate, estimate_from
from psa_engine.voi.regression.fit import outcomes

__all__ = ["METHODS", "estimate", "estimate_from", "outcomes"]
