"""`p` in a model: which value a name has for the strategy at hand."""

import pytest

from psa_engine.errors import InputError
from psa_engine.model import Draw, Strategies

STRATEGIES = Strategies.of(
    {
        "cream": {"product": "ruxolitinib", "next_line": "injection", "dose": 2.0},
        "injection": {"product": "dupilumab", "next_line": "none", "dose": 300},
        "care": {"product": "none", "next_line": "none", "dose": 0},
    }
)
VALUES = {"stop": 0.1, "stop[injection]": 0.2, "price[dupilumab]": 900.0, "price": 1.0, "dose": 7.0}


def seen_by(strategy, **more):
    return Draw(VALUES | more, STRATEGIES, STRATEGIES.names.index(strategy))


@pytest.mark.parametrize(("strategy", "stop"), [("cream", 0.1), ("injection", 0.2), ("care", 0.1)])
def test_a_value_of_the_strategys_own_goes_before_the_common_one(strategy, stop):
    assert seen_by(strategy)["stop"] == stop


def test_an_attribute_goes_before_a_common_parameter_and_after_its_own():
    assert seen_by("injection")["dose"] == 300
    assert seen_by("injection", **{"dose[injection]": 200.0})["dose"] == 200


@pytest.mark.parametrize(("strategy", "price"), [("cream", 1.0), ("injection", 900.0), ("care", 1.0)])
def test_at_reads_the_value_of_what_an_attribute_names(strategy, price):
    assert seen_by(strategy).at("product")["price"] == price


def test_at_the_next_line_a_drug_has_its_values_as_a_strategy():
    assert seen_by("cream").at("next_line")["stop"] == 0.2


def test_at_does_not_read_the_attributes_of_the_strategy_itself():
    assert seen_by("cream").at("next_line")["dose"] == 7.0


def test_at_an_attribute_that_no_strategy_has_is_refused():
    with pytest.raises(
        InputError, match="reads 'price' of each strategy's 'first_line', and the strategy 'cream' has no"
    ):
        seen_by("cream").at("first_line")["price"]


def test_a_missing_parameter_is_named_with_the_strategy_and_the_nearest():
    with pytest.raises(
        InputError, match=r"'stopp' for 'care': neither 'stopp\[care\]' nor 'stopp' is given. Did you"
    ):
        seen_by("care")["stopp"]


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("costs.drug.{product}", ["costs.drug.ruxolitinib", "costs.drug.dupilumab", None]),
        ("packs.{next_line}", ["packs.injection", None, None]),
        ("costs.{strategy}.{product}", ["costs.cream.ruxolitinib", "costs.injection.dupilumab", None]),
        ("life_years", ["life_years"] * 3),
    ],
)
def test_outcome_names_are_filled_in_for_each_strategy(template, names):
    assert [STRATEGIES.resolve(template, i) for i in range(3)] == names


def test_an_outcome_named_after_an_unknown_attribute_is_refused():
    with pytest.raises(
        InputError, match=r"'costs.\{produkt\}' names the attribute 'produkt'.* Did you mean 'product'"
    ):
        STRATEGIES.resolve("costs.{produkt}", 0)


@pytest.mark.parametrize(
    ("names", "message"),
    [(("old", "new", "old"), "Two strategies have the name 'old'"), ((), "at least one strategy")],
)
def test_strategies_that_cannot_be_told_apart_are_refused(names, message):
    with pytest.raises(InputError, match=message):
        Strategies.of(names)
