"""Probabilistic sensitivity analysis and value of information for health-economic models.

The names below are loaded when first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "psa_engine.distributions": (
        "Beta Dirichlet Empirical Fixed Gamma LogNormal LogitNormal MultivariateNormal Normal PERT "
        "Triangular TruncatedNormal Uniform"
    ),
    "psa_engine.parameters": "ParameterSet",
    "psa_engine.model": "FunctionModel",
    "psa_engine.cohort": "START CohortModel Tunnel",
    "psa_engine.accrual": "Timeline odds_shift probability_to_rate rate_to_probability read_age_table",
    "psa_engine.engine": "RunPlan base_case cohort_trace evaluate run_psa",
    "psa_engine.sample": "PsaSample",
    "psa_engine.decision": (
        "ceac ceaf evpi expected_loss frontier icers mean_outcomes net_health_benefit "
        "net_monetary_benefit pairwise_icers severity_weight threshold_price wtp_grid"
    ),
    "psa_engine.estimate": "VoiEstimate",
    "psa_engine.voi": (
        "Binary Continuous Count GeneratedStudy Multinomial Population SingleArm Skewed StudyCost TimeToEvent "
        "TwoArmTrial cost_cohort enbs evppi evppi_singles evsi population_value utility_cohort"
    ),
    "psa_engine.sensitivity": (
        "Prices budget_impact convergence draws_needed gradient named_range price_curve price_map "
        "price_thresholds tornado two_way"
    ),
    "psa_engine.errors": "InputError ModelError",
    "psa_engine.config": "load_analysis",
}
_ROOM = {name: room for room, names in _HOME.items() for name in names.split()}
__all__ = sorted(_ROOM)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _ROOM:
        raise AttributeError(f"module 'psa_engine' has no attribute '{name}'")
    return getattr(import_module(_ROOM[name]), name)


def __dir__() -> list[str]:
    return __all__
