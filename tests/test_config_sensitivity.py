"""Ranges, standard care and budget impact in a configuration: what is refused, and where it is written."""

import pytest

import psa_engine as pe
from psa_engine.config import check, find_config, overlaid, prepare, read_text
from psa_engine.summary.sensitivity import budget_rows

TEXT = find_config("two_state").read_text(encoding="utf-8")


def read(old, new):
    assert TEXT.count(old) == 1
    return check(read_text(TEXT.replace(old, new)))


RANGE = "price of treatment: {cost_treatment: [500, 2500]}"
FUTURE = "future: {standard care: [0.8, 0.6, 0.5], new: [0.2, 0.4, 0.5]}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (RANGE, "price: {cost_treatmnt: [500, 2500]}", r"ranges.price: .*'cost_treatmnt'.*cost_treatment"),
        (RANGE, "price: {cost_treatment: [2500, 500]}", r"ranges.price.cost_treatment: .*low to a higher"),
        (RANGE, "price: {cost_treatment: [500]}", r"ranges.price.cost_treatment: .*low and a high"),
        (RANGE, "price: {}", r"ranges.price"),
        (
            FUTURE,
            "future: {standard care: [1, 1, 1], newer: [0, 0, 0]}",
            r"budget_impact.future: .*'newer'.*new",
        ),
        (FUTURE, "future: {standard care: [1, 1, 0.5], new: [0, 0, 0]}", r"year 3 add up to 0.5"),
        (FUTURE, "future: {standard care: [1, 1]}", r"2 shares for 3 years"),
        (FUTURE, "future: {standard care: [1, 1, 1.5]}", r"future.standard care"),
        ("people: [1000, 1100, 1200]", "people: [1000, -1, 1200]", r"budget_impact.people\[1\]"),
        (RANGE, RANGE + "\nseverity: {standard_care: usual}", r"severity.standard_care: .*'usual'"),
    ],
)
def test_what_cannot_be_used_is_refused_where_it_is_written(old, new, said):
    with pytest.raises(pe.InputError, match=said):
        read(old, new)


def test_a_named_standard_care_is_kept():
    checked = read(RANGE, RANGE + "\nseverity: {standard_care: new}")
    assert checked.config.severity.standard_care == "new"


def test_a_scenario_without_a_strategy_of_the_mix_has_no_budget_impact():
    analysis = pe.load_analysis("ruxolitinib_ad_systemic_naive")
    few = {"only": ["ruxolitinib_cream", "ciclosporin"]}
    document = overlaid(analysis.checked.document, few, ("scenarios", "few"), "few")
    fewer = prepare(check(document, analysis.checked.inputs))
    assert fewer.config.budget_impact is not None and budget_rows(fewer) is None
