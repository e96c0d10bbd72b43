"""Configuration files: numbers, units, sources and settings in YAML, checked, made ready to run."""

from psa_engine.config.analysis import Analysis, check_config, load_analysis, prepare
from psa_engine.config.checks import Checked, check
from psa_engine.config.discounts import read_discounts, redacted
from psa_engine.config.document import Document
from psa_engine.config.evidence import Evidence
from psa_engine.config.finding import config_names, find_config
from psa_engine.config.overlay import overlaid, parse_assignment
from psa_engine.config.reading import read_document, read_text
from psa_engine.config.registry import model_builder, model_names
from psa_engine.config.schema import Configuration
from psa_engine.config.units import UNITS

__all__ = [
    "UNITS",
    "Analysis",
    "Checked",
    "Configuration",
    "Document",
    "Evidence",
    "check",
    "check_config",
    "config_names",
    "find_config",
    "load_analysis",
    "model_builder",
    "model_names",
    "overlaid",
    "parse_assignment",
    "prepare",
    "read_discounts",
    "read_document",
    "read_text",
    "redacted",
]
