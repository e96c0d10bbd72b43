"""Parameters: distributions by name, correlation, and draws from normal scores."""

from psa_engine.parameters.conditional import conditional, members
from psa_engine.parameters.parameter_set import ParameterSet, ParameterStructure
from psa_engine.parameters.scores import Sampler, normal_scores, score_inputs

__all__ = [
    "ParameterSet",
    "ParameterStructure",
    "Sampler",
    "conditional",
    "members",
    "normal_scores",
    "score_inputs",
]
