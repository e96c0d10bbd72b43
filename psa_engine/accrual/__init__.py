"""Time, rates, discounting, cycle correction, background mortality and utility norms."""

from psa_engine.accrual.cycle_correction import CycleCorrection, cycle_weights
from psa_engine.accrual.population import AgeTable, read_age_table, shipped_tables
from psa_engine.accrual.rates import odds_shift, probability_to_rate, rate_to_probability
from psa_engine.accrual.timeline import Discounting, Time, Timeline, discount_factors

__all__ = [
    "AgeTable",
    "CycleCorrection",
    "Discounting",
    "Time",
    "Timeline",
    "cycle_weights",
    "discount_factors",
    "odds_shift",
    "probability_to_rate",
    "rate_to_probability",
    "read_age_table",
    "shipped_tables",
]
