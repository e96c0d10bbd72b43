"""Cohort models: states, named edges, payoffs; simulated, traced and checked."""

from psa_engine.cohort.model import START, CohortModel, States, Tunnel

__all__ = ["START", "CohortModel", "States", "Tunnel"]
