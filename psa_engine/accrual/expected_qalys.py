"""What the general population of a cohort's age and sex can expect: life years and QALYs along the timeline."""

from typing import NamedTuple

import numpy as np

from psa_engine.accrual.population import background
from psa_engine.accrual.timeline import Timeline
from psa_engine.errors import InputError


class Expected(NamedTuple):
    """Per person, over the timeline: QALYs (discounted as effects), life years (not), and the share left at its end."""

    qalys: float
    life_years: float
    alive_at_end: float


def expected_qalys(timeline: Timeline) -> Expected:
    """Return the general population's expected QALYs and life years, by the timeline's weights and discount rate.

    InputError where the timeline has no life table or no utility norms.
    """
    if timeline.life_table is None or timeline.utility_norms is None:
        raise InputError(
            "Expected QALYs need a life table and utility norms.", hint="Give both in population."
        )
    series = timeline.series()
    known = background(
        series["age"],
        timeline.cycles_per_year,
        timeline.female,
        timeline.life_table,
        timeline.utility_norms,
    )
    return Expected(
        qalys=float(np.sum(series["effects"] * known.survival * known.utility)),
        life_years=float(np.sum(series["undiscounted"] * known.survival)),
        alive_at_end=float(known.survival[-1]),
    )
