"""The expected value of sample information: study designs, and one method of estimating a file."""

from psa_engine.voi.evsi.curve import EvsiCurve
from psa_engine.voi.evsi.designs import Multinomial, SingleArm, TwoArmTrial, cost_cohort, utility_cohort
from psa_engine.voi.evsi.effects import SCALES
from psa_engine.voi.evsi.endpoints import Binary, Continuous, Count, Endpoint, Skewed, TimeToEvent
from psa_engine.voi.evsi.front_door import METHODS, evsi
from psa_engine.voi.evsi.studies import GeneratedStudy, Study

__all__ = [
    "METHODS", "SCALES", "Binary", "Continuous", "Count", "Endpoint", "EvsiCurve", "GeneratedStudy",
    "Multinomial", "SingleArm", "Skewed", "Study", "TimeToEvent", "TwoArmTrial", "cost_cohort", "evsi",
    "utility_cohort",
]  # fmt: skip
