"""Distributions of parameters: published numbers in, quantiles of a normal score out."""

from psa_engine.distributions.beta import PERT, Beta
from psa_engine.distributions.bounded import Triangular, Uniform
from psa_engine.distributions.empirical import Empirical
from psa_engine.distributions.form import Form
from psa_engine.distributions.gamma import Gamma
from psa_engine.distributions.joint import Dirichlet, Joint, MultivariateNormal
from psa_engine.distributions.normals import LogitNormal, LogNormal, Normal
from psa_engine.distributions.parse import Distribution, parse
from psa_engine.distributions.truncated_normal import TruncatedNormal
from psa_engine.distributions.univariate import Fixed, Univariate

__all__ = [
    "PERT",
    "Beta",
    "Dirichlet",
    "Distribution",
    "Empirical",
    "Fixed",
    "Form",
    "Gamma",
    "Joint",
    "LogNormal",
    "LogitNormal",
    "MultivariateNormal",
    "Normal",
    "Triangular",
    "TruncatedNormal",
    "Uniform",
    "Univariate",
    "parse",
]
