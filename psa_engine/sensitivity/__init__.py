"""What results depend on: parameters one and two at a time, prices, draws, and the payer's budget."""

from psa_engine.sensitivity.budget import BudgetImpact, budget_impact, costs_by_year
from psa_engine.sensitivity.convergence import convergence, draws_needed
from psa_engine.sensitivity.gradient import gradient
from psa_engine.sensitivity.one_way import Tornado, tornado
from psa_engine.sensitivity.price import Prices, price_curve, price_thresholds
from psa_engine.sensitivity.price_map import PriceMap, price_map
from psa_engine.sensitivity.ranges import Range, intervals, named_range
from psa_engine.sensitivity.two_way import two_way

__all__ = [
    "BudgetImpact",
    "PriceMap",
    "Prices",
    "Range",
    "Tornado",
    "budget_impact",
    "convergence",
    "costs_by_year",
    "draws_needed",
    "gradient",
    "intervals",
    "named_range",
    "price_curve",
    "price_map",
    "price_thresholds",
    "tornado",
    "two_way",
]
