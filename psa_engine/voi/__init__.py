"""What more information would be worth: one estimator a file, one common signature.

Imported at once: a function that has its file's name then stands for the function everywhere.
"""

from psa_engine.decision import evpi
from psa_engine.voi.enbs import Enbs, Population, StudyCost, enbs, population_value
from psa_engine.voi.evppi import evppi, evppi_singles
from psa_engine.voi.evsi import (
    Binary,
    Continuous,
    Count,
    EvsiCurve,
    GeneratedStudy,
    Multinomial,
    SingleArm,
    Skewed,
    Study,
    TimeToEvent,
    TwoArmTrial,
    cost_cohort,
    evsi,
    utility_cohort,
)
from psa_engine.voi.problem import Problem

__all__ = [
    "Binary",
    "Continuous",
    "Count",
    "Enbs",
    "EvsiCurve",
    "GeneratedStudy",
    "Multinomial",
    "Population",
    "Problem",
    "SingleArm",
    "Skewed",
    "Study",
    "StudyCost",
    "TimeToEvent",
    "TwoArmTrial",
    "cost_cohort",
    "enbs",
    "evpi",
    "evppi",
    "evppi_singles",
    "evsi",
    "population_value",
    "utility_cohort",
]
