"""The PSA sample: what every model run makes and every decision and value-of-information analysis reads."""

from psa_engine.sample.record import PsaSample

__all__ = ["PsaSample"]
