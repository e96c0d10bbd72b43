"""The JSON Schema of configurations: what ships is valid, and an editor marks what the program refuses."""

import copy
import json

import pytest
from command_line import psa_engine
from jsonschema import Draft202012Validator

from psa_engine.config import UNITS, check, config_names, find_config, read_document
from psa_engine.config.document import Document
from psa_engine.config.finding import SCHEMA_FILE
from psa_engine.config.json_schema import schema_text
from psa_engine.distributions.parse import DISTRIBUTIONS
from psa_engine.errors import InputError

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
TWO_STATE = read_document(find_config("two_state")).content


def faults(content):
    return [fault.json_path for fault in Draft202012Validator(SCHEMA).iter_errors(content)]


def changed(path, value):
    """The two-state configuration with the value at a path replaced, or removed where it is None."""
    content = copy.deepcopy(TWO_STATE)
    *folders, last = path.split("/")
    inner = content
    for key in folders:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return content


def test_the_schema_that_ships_is_that_of_the_records():
    """To renew it: python -m psa_engine.config.json_schema"""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_itself_valid():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", config_names())
def test_each_configuration_that_ships_is_valid(name):
    assert faults(read_document(find_config(name)).content) == []


@pytest.mark.parametrize("name", config_names())
def test_each_configuration_that_ships_names_the_schema_to_editors(name):
    file = find_config(name)
    comment, _, path = file.read_text(encoding="utf-8").partition("\n")[0].partition("$schema=")
    assert comment == "# yaml-language-server: " and (file.parent / path).resolve() == SCHEMA_FILE


MISTAKES = {
    "an unknown section": ("sttings", {"n_draws": 100}),
    "no model": ("model", None),
    "a whole number in words": ("settings/n_draws", "many"),
    "an unknown sampler": ("settings/sampler", "sobel"),
    "a negative willingness to pay": ("settings/wtp", [20_000, -1]),
    "a horizon of two kinds": ("time/horizon", {"years": 40, "to_age": 100}),
    "an unknown cycle correction": ("time/cycle_correction", "halfcycle"),
    "a single strategy": ("strategies", {"new": {}}),
    "a strategy's attribute that is a list": ("strategies/new/attributes", {"treated": [1]}),
    "an unknown unit": ("parameters/hazard_ratio/unit", "hazard"),
    "an unknown status": ("parameters/hazard_ratio/status", "guessed"),
    "an unknown distribution": ("parameters/cost_alive/distribution", {"gama": {"mean": 5, "se": 1}}),
    "an unknown keyword": ("parameters/cost_alive/distribution", {"gamma": {"meen": 5, "se": 1}}),
    "an interval of three numbers": ("parameters/cost_alive/distribution", {"gamma": {"ci": [1, 2, 3]}}),
    "a value and a distribution": ("parameters/cost_alive/value", 5),
    "neither value nor distribution": ("parameters/cost_alive/distribution", None),
    "no unit": ("parameters/cost_alive/unit", None),
    "an assumption without a note": ("parameters/cost_alive/note", None),
    "a verified number without a source": ("parameters/cost_alive/status", "verified"),
    "a parameter's name with a blank": ("parameters/cost alive", TWO_STATE["parameters"]["cost_alive"]),
    "an address that is none": ("parameters/cost_alive/url", "nhs price list"),
    "a scenario without a description": ("scenarios/half_price/description", None),
    "a scenario's unknown setting": ("scenarios/half_price/settings", {"drws": 5}),
    "a scenario's value that is text": ("scenarios/half_price/set", {"cost_treatment": "half"}),
    "a study of two designs": ("studies/survival_trial/design/utility_cohort", {"parameter": "a", "sd": 1}),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_marked_by_the_schema_and_refused_by_the_program(mistake):
    content = changed(*MISTAKES[mistake])
    assert faults(content)
    with pytest.raises(InputError):
        check(Document(content, "mistaken.yaml", ""))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("settings/wtp", 20_000),
        ("settings/n_draws", 1e5),
        ("scenarios/half_price/settings", {"seed": 7}),
        ("parameters/cost_alive/distribution", {"gamma": [100, 20]}),
        ("parameters/mortality_rate/distribution", {"gamma": {"ci": [0.03, 0.06], "level": 0.9}}),
        ("strategies/new/attributes", {"treated": 1, "product": "pill"}),
    ],
)
def test_what_the_program_takes_the_schema_takes(path, value):
    content = changed(path, value)
    assert faults(content) == [] and check(Document(content, "valid.yaml", ""))


def test_an_editor_offers_every_unit_and_distribution():
    definitions = SCHEMA["$defs"]
    assert definitions["Unit"]["enum"] == list(UNITS)
    assert set(definitions["Distribution"]["properties"]) == set(DISTRIBUTIONS)


def test_the_command_prints_the_schema():
    assert json.loads(psa_engine("schema").out) == SCHEMA


def test_a_configuration_shown_names_a_schema_beside_it():
    first = psa_engine("show", "two_state").out.partition("\n")[0]
    assert (
        first.startswith("# yaml-language-server: $schema=psa_engine.schema.json ")
        and "psa-engine schema" in first
    )
