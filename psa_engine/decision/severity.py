"""Severity of a condition: QALY shortfall and the weight that NICE gives to QALYs gained.

Source: NICE health technology evaluations: the manual (PMG36, 2022), section 6.2.
"""

from dataclasses import dataclass

from psa_engine.errors import InputError

BANDS = ((1.7, 18.0, 0.95), (1.2, 12.0, 0.85))
"""(weight, least absolute shortfall in QALYs, least proportional shortfall), the most severe first."""


@dataclass(frozen=True)
class Shortfall:
    """Discounted QALYs that the general population of the same age and sex can expect, and those with the condition.

    `absolute` is their difference, `proportional` that as a share of the former; a gain counts as no shortfall.
    """

    general_population: float
    with_condition: float

    def __post_init__(self) -> None:
        if not self.general_population > 0:
            raise InputError(
                f"The general population expects {self.general_population:g} QALYs; it must be more than 0."
            )

    @property
    def absolute(self) -> float:
        """The QALYs lost."""
        return max(self.general_population - self.with_condition, 0.0)

    @property
    def proportional(self) -> float:
        """The share of QALYs lost."""
        return self.absolute / self.general_population

    @property
    def weight(self) -> float:
        """The weight of QALYs gained: the higher of what either shortfall gives."""
        return severity_weight(self.absolute, self.proportional)


def severity_weight(absolute: float, proportional: float) -> float:
    """Return 1.7 from 18 QALYs or .95, 1.2 from 12 QALYs or .85, else 1. Source: NICE 2022 (PMG36, table 6.1)."""
    for weight, least_absolute, least_proportional in BANDS:
        if absolute >= least_absolute or proportional >= least_proportional:
            return weight
    return 1.0
