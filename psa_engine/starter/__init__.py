"""Files to start from: a configuration and the model it names, copied under another name by `psa-engine new`."""

from psa_engine.starter.files import written_starter

__all__ = ["written_starter"]
