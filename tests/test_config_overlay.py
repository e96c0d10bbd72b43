"""Scenarios, subgroups and values set from outside, as changes laid over a configuration."""

import copy

import pytest

from psa_engine.config import check, find_config, overlaid, parse_assignment, read_document, read_text
from psa_engine.errors import InputError

CORRELATED = """
correlation:
  outlay:
    parameters: [cost_alive, utility_alive, mortality_rate]
    matrix: [[1, 0.2, 0.3], [0.2, 1, 0.4], [0.3, 0.4, 1]]
"""


def two_state(more: str = ""):
    return read_text(read_document(find_config("two_state")).text + more)


def after(overlay, more: str = ""):
    return overlaid(two_state(more), overlay, ("scenarios", "x"), "scenario x")


def test_a_number_replaces_the_distribution_and_keeps_the_evidence():
    before = two_state().content["parameters"]["hazard_ratio"]
    entry = after({"set": {"hazard_ratio": 0.6}}).content["parameters"]["hazard_ratio"]
    assert entry["value"] == 0.6 and "distribution" not in entry
    assert {k: entry[k] for k in ("unit", "label", "note")} == {
        k: before[k] for k in ("unit", "label", "note")
    }


def test_a_distribution_replaces_the_number():
    entry = after({"set": {"cost_treatment": {"gamma": {"mean": 900, "se": 50}}}}).content["parameters"]
    assert "value" not in entry["cost_treatment"]


def test_the_document_under_an_overlay_is_left_as_it_was():
    document = two_state(CORRELATED)
    before = copy.deepcopy(document.content)
    overlay = {
        "set": {"cost_alive": 1.0},
        "time": {"start_age": 70},
        "strategies": {"new": {"treated": 0}},
        "settings": {"seed": 9},
    }
    overlaid(document, overlay, ("scenarios", "x"), "x")
    assert document.content == before


def test_sections_are_changed_key_by_key_and_the_horizon_as_a_whole():
    time = after({"time": {"horizon": {"to_age": 90}}}).content["time"]
    assert time["horizon"] == {"to_age": 90} and time["start_age"] == 60


def test_attributes_are_changed_one_by_one():
    strategies = after({"strategies": {"new": {"treated": 0.5}}}).content["strategies"]
    assert strategies["new"] == {"label": "New treatment", "attributes": {"treated": 0.5}}


def test_a_fixed_parameter_leaves_its_correlation_block():
    block = after({"set": {"utility_alive": 0.7}}, CORRELATED).content["correlation"]["outlay"]
    assert block == {"parameters": ["cost_alive", "mortality_rate"], "matrix": [[1, 0.3], [0.3, 1]]}


def test_a_block_of_one_is_no_block():
    content = after({"set": {"utility_alive": 0.7, "cost_alive": 1000}}, CORRELATED).content
    assert content["correlation"] == {}


def test_only_keeps_the_order_of_the_file():
    document = read_document(find_config("sick_sicker"))
    kept = overlaid(document, {"only": ["strategy B", "standard of care"]}, ("scenarios", "x"), "x")
    assert list(kept.content["strategies"]) == ["standard of care", "strategy B"]


def test_an_overlay_is_checked_as_a_whole():
    with pytest.raises(InputError, match=r"scenarios\.x\.set\.utility_alive: .* is 1\.2, and a utility"):
        check(after({"set": {"utility_alive": 1.2}}))


def test_a_fault_that_only_shows_in_the_scenario_names_it():
    with pytest.raises(InputError, match="With scenario x: "):
        check(after({"time": {"horizon": {"to_age": 60}}}))


def test_overlays_add_up():
    document = overlaid(after({"set": {"cost_alive": 5}}), {"set": {"cost_alive": 7}}, ("override",), "y")
    assert document.content["parameters"]["cost_alive"]["value"] == 7
    assert document.applied == ("scenario x", "y")


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("hazard_ratio=0.7", "hazard_ratio", 0.7),
        ("discount[dupilumab]=.25", "discount[dupilumab]", 0.25),
        (" cost = 1e3 ", "cost", 1000.0),
        ("x=-2", "x", -2.0),
    ],
)
def test_an_assignment_is_a_name_and_a_number(text, name, value):
    assert parse_assignment(text) == (name, value)


@pytest.mark.parametrize(
    "text",
    ["x", "=1", "x=", "x=1,000", "x=1_000", "x=0,3", "x=nan", "x=inf", "x=1e999", "x=0x1f", "x=1=2", "x=30%"],
)
def test_an_assignment_of_anything_else_is_refused(text):
    with pytest.raises(InputError, match="--set: "):
        parse_assignment(text)
