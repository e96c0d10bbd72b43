"""What is wrong with a configuration is said with its YAML path, its line and what to do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psa_engine.config import check, read_text
from psa_engine.errors import InputError

TEXT = """\
name: trial
title: New drug against old
model: two_state
settings: {n_draws: 1e3, comparator: old}
time: {cycles_per_year: 4, start_age: 50, horizon: {to_age: 60}}
strategies:
  old: {attributes: {treated: 0, product: none}}
  new: {attributes: {treated: 1, product: pill}}
  both: {attributes: {treated: 1, product: pill}}
products:
  pill: {list_price: 12.5, status: verified, source: Price list 2024}
parameters:
  response:
    distribution: {beta: {events: 73, n: 315}}
    unit: probability
    label: Response at week 8
    source: A trial 2021
    status: verified
  cost:
    distribution: {gamma: {mean: 800, se: 90}}
    unit: GBP per year
    label: Cost of care
    status: assumption
    note: Invented.
  u_well:
    value: 0.8
    unit: utility
    label: Utility when well
    status: gap
    note: Not found.
  shares:
    distribution: {dirichlet: {names: [mild, worse, worst], alpha: [6, 3, 1]}}
    unit: proportion
    label: Severity
    source: A registry 2020
    status: unverified
correlation:
  care: {parameters: [response, cost], matrix: [[1, 0.4], [0.4, 1]]}
parameter_groups: {clinical: [response, worse], economic: [cost, "list_price[pill]"]}
scenarios:
  cheap:
    description: Half the price
    set: {"discount[pill]": 0.5}
  short:
    description: Five years, the new drug only
    time: {horizon: {years: 5}}
    only: [old, new]
subgroups:
  severe:
    description: The worst off
    set: {shares: {dirichlet: {names: [mild, worse, worst], alpha: [1, 2, 7]}}}
    evidence: None was found.
    status: gap
"""


def fault(old: str, new: str) -> str:
    assert TEXT.count(old) >= 1
    with pytest.raises(InputError) as caught:
        check(read_text(TEXT.replace(old, new, 1), "trial.yaml"))
    return str(caught.value)


def line_of(text: str) -> str:
    return f"(trial.yaml, line {TEXT[: TEXT.index(text)].count(chr(10)) + 1})"


def test_the_example_is_valid():
    assert [entry.name for entry in check(read_text(TEXT)).inputs] == [
        *("response", "cost", "u_well", "shares", "list_price[pill]", "discount[pill]")
    ]


def test_the_message_has_path_line_and_hint():
    message = fault("unit: probability", "unit: probabilty")
    assert message == (
        f"parameters.response.unit: 'probabilty' is not a known unit {line_of('unit: probability')}. "
        "Did you mean 'probability'?"
    )


@pytest.mark.parametrize(
    ("old", "new", "path", "hint"),
    [
        ("n_draws:", "n_drawz:", "settings.n_drawz", "'n_draws'"),
        (
            "    distribution: {beta",
            "    distribtion: {beta",
            "parameters.response.distribtion",
            "'distribution'",
        ),
        ("horizon: {to_age: 60}", "horizon: {to_agee: 60}", "time.horizon.to_agee", "'to_age'"),
        ("list_price: 12.5", "price: 12.5", "products.pill.price", "'list_price'"),
        (
            "  cheap:\n    description",
            "  cheap:\n    describtion",
            "scenarios.cheap.describtion",
            "'description'",
        ),
        ("correlation:", "correlations:", "correlations", "'correlation'"),
        ("time: {horizon: {years", "time: {horizn: {years", "scenarios.short.time.horizn", "'horizon'"),
        ("evidence: None", "evidense: None", "subgroups.severe.evidense", "'evidence'"),
        ("{beta: {events", "{betta: {events", "parameters.response.distribution.betta", "'beta'"),
        ("{mean: 800, se", "{meen: 800, se", "parameters.cost.distribution.gamma.meen", "'mean'"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known_one(old, new, path, hint):
    message = fault(old, new)
    assert message.startswith(path + ": ") and f"Did you mean {hint}?" in message and "line" in message


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("mean: 800, se: 90", "mean: 800, se: 0", "parameters.cost.distribution.gamma.se", "above 0"),
        ("alpha: [6, 3, 1]", "alpha: 6", "parameters.shares.distribution.dirichlet.alpha", "one number"),
        ("mean: 800, se: 90", "mean: 800, se: -4", "parameters.cost.distribution.gamma.se", "above 0"),
        (
            "events: 73, n: 315",
            "events: 316, n: 315",
            "parameters.response.distribution.beta.events",
            "between 0",
        ),
        (
            "events: 73, n: 315",
            "mean: 1.2, se: 0.1",
            "parameters.response.distribution.beta.mean",
            "percentage",
        ),
        ("alpha: [6, 3, 1]", "alpha: [6, 3]", "parameters.shares.distribution.dirichlet.alpha", "one number"),
        (
            "distribution: {beta: {events: 73, n: 315}}",
            "value: 30",
            "parameters.response.value",
            "between 0 and 1",
        ),
        ("value: 0.8", "value: 1.4", "parameters.u_well.value", "between -1 and 1"),
        ("{gamma: {mean: 800, se: 90}}", "{normal: [10, 90]}", "parameters.cost.distribution", "at least 0"),
        ("{beta: {events: 73, n: 315}}", "{normal: [0.9, 0.2]}", "parameters.response.distribution", "95 %"),
        ("list_price: 12.5", "list_price: -1", "products.pill.list_price", "at least 0"),
        (
            '"discount[pill]": 0.5',
            '"discount[pill]": 50',
            "scenarios.cheap.set.discount[pill]",
            "between 0 and 1",
        ),
    ],
)
def test_an_impossible_number_is_refused_where_it_is_written(old, new, path, words):
    message = fault(old, new)
    assert message.startswith(path + ": ") and words in message and line_of(old) in message


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("n_draws: 1e3", "n_draws: 0", "settings.n_draws", "at least 1"),
        ("n_draws: 1e3", "n_draws: 10.5", "settings.n_draws", "a whole number"),
        ("n_draws: 1e3", "n_draws: no", "settings.n_draws", "a whole number, and it is 'no'"),
        ("n_draws: 1e3", "wtp: [20000, -1]", "settings.wtp[1]", "at least 0"),
        ("n_draws: 1e3", "wtp: []", "settings.wtp", "At least 1"),
        ("n_draws: 1e3", "sampler: sobel", "settings.sampler", "'sobol'"),
        ("value: 0.8", "value: 0,8", "parameters.u_well.value", "decimal point"),
        ("value: 0.8", "value: .nan", "parameters.u_well.value", "finite"),
        ("value: 0.8", "value: 1e999", "parameters.u_well.value", "finite"),
        ("value: 0.8", "value: true", "parameters.u_well.value", "a number, and it is True"),
        ("unit: utility", "unit: 5", "parameters.u_well.unit", "is text"),
        ("unit: utility", "unit: [utility]", "parameters.u_well.unit", "is text"),
        ("source: A trial 2021", "source: 2021", "parameters.response.source", "quotes"),
        ("source: A trial 2021", "source: ''", "parameters.response.source", "must not be empty"),
        ("source: A trial 2021", "url: javascript:alert(1)", "parameters.response.url", "https://"),
        ("status: gap", "status: guessed", "parameters.u_well.status", "assumption"),
        ("to_age: 60", "to_age: 60, years: 10", "time.horizon", "one of the keys"),
        ("to_age: 60", "to_age: 50", "time", "less than one cycle"),
        ("cycles_per_year: 4", "cycles_per_year: 0", "time.cycles_per_year", "above 0"),
        ("treated: 0", "treated: yes please: 1", None, "not YAML"),
        ("treated: 0", "treated: true", "strategies.old.attributes.treated", "1 and 0"),
        ("  old: {", '  "old|x": {', "strategies.old|x", "cannot be used"),
        ("  cost:\n", "  cost per year:\n", "parameters.cost per year", "cannot be used"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(old, new, path, words):
    message = fault(old, new)
    assert words in message and (path is None or message.startswith(path + ": "))


def test_a_distribution_of_the_wrong_shape_is_refused():
    assert fault("names: [mild, worse, worst]", "names: 5").startswith("parameters.shares.distribution")


def test_a_number_in_quotes_is_not_a_number():
    message = fault('"discount[pill]": 0.5', "\"discount[pill]\": '0.5'")
    assert message.startswith("scenarios.cheap.set.discount[pill]: '0.5' is not a number")


def test_an_estimate_and_interval_that_do_not_fit_warn_with_their_place():
    text = TEXT.replace("mean: 800, se: 90", "mean: 800, ci: [780, 1500]")
    with pytest.warns(UserWarning, match=r"parameters\.cost\.distribution: .*line 20"):
        check(read_text(text, "trial.yaml"))


def test_a_verified_parameter_needs_a_source():
    assert "needs a source" in fault("    source: A trial 2021\n", "")


def test_a_parameter_has_a_value_or_a_distribution_and_not_both():
    assert "one of the keys value and distribution" in fault("    value: 0.8\n", "")
    assert "one of the keys" in fault("value: 0.8", "value: 0.8\n    distribution: {beta: [8, 2]}")


def test_an_unknown_model_is_named():
    assert fault("model: two_state", "model: two_stat").startswith("model: There is no model 'two_stat'")


def test_two_strategies_of_one_name_are_refused():
    assert "The key 'new' is given twice" in fault("  both: {", "  new: {")


def test_one_strategy_is_too_few_to_compare():
    text = TEXT.replace("  new: {attributes: {treated: 1, product: pill}}\n", "")
    text = text.replace("  both: {attributes: {treated: 1, product: pill}}\n", "")
    with pytest.raises(InputError, match="strategies: At least 2"):
        check(read_text(text))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("comparator: old", "comparator: olt", "settings.comparator"),
        ("clinical: [response", "clinical: [respons", "parameter_groups.clinical[0]"),
        ("parameters: [response, cost]", "parameters: [response, costs]", "correlation.care.parameters[1]"),
        ('{"discount[pill]": 0.5}', '{"discount[pil]": 0.5}', "scenarios.cheap.set.discount[pil]"),
        ("only: [old, new]", "only: [old, neu]", "scenarios.short.only[1]"),
        ("only: [old, new]", "strategies: {neu: {treated: 0}}", "scenarios.short.strategies.neu"),
        ("only: [old, new]", "strategies: {new: {treatd: 0}}", "scenarios.short.strategies.new.treatd"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(old, new, path):
    message = fault(old, new)
    assert message.startswith(path + ": ") and "Did you mean" in message


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[[1, 0.4], [0.4, 1]]", "[[1, 0.4], [0.5, 1]]", "not symmetric"),
        ("[[1, 0.4], [0.4, 1]]", "[[1, 0.4]]", "2 by 2"),
        ("[[1, 0.4], [0.4, 1]]", "[[1, 0.4], [0.4]]", "differ in length"),
        ("[[1, 0.4], [0.4, 1]]", "[[2, 0.4], [0.4, 2]]", "diagonal"),
        ("[[1, 0.4], [0.4, 1]]", "[[1, 1.4], [1.4, 1]]", "between -1 and 1"),
        ("[response, cost]", "[response, response]", "already"),
        ("[response, cost]", "[response, u_well]", "fixed"),
        ("[response, cost]", "[response, worst]", "joint distribution 'shares'"),
    ],
)
def test_a_correlation_block_that_cannot_be_is_named(old, new, words):
    message = fault(old, new)
    assert message.startswith("correlation.care") and words in message


def test_three_correlations_that_contradict_each_other_name_the_block():
    block = "{parameters: [response, cost, effect], matrix: [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]}"
    effect = "  effect: {distribution: {normal: [1, 2]}, unit: number, label: x, status: gap, note: x}\n"
    text = TEXT.replace("{parameters: [response, cost], matrix: [[1, 0.4], [0.4, 1]]}", block)
    with pytest.raises(
        InputError, match=r"correlation\.care\.matrix: The block 'care'.*not positive definite"
    ):
        check(read_text(text.replace("correlation:", effect + "correlation:")))


def test_a_part_of_a_joint_distribution_cannot_be_set_alone():
    message = fault('"discount[pill]": 0.5', "worst: 0.5")
    assert "part of the joint distribution 'shares'" in message


def test_a_joint_distribution_cannot_be_set_to_one_number():
    assert "must be set to the same kind" in fault('"discount[pill]": 0.5', "shares: 0.5")


def test_a_scenario_may_not_leave_out_the_comparator():
    assert fault("only: [old, new]", "only: [new, both]").startswith(
        "scenarios.short.only: The comparator 'old'"
    )


def test_a_scenario_that_changes_nothing_is_refused():
    assert "changes nothing" in fault('    set: {"discount[pill]": 0.5}\n', "")


def test_a_parameter_given_twice_is_refused():
    price = '  "list_price[pill]": {value: 3, unit: GBP per pack, label: x, status: gap, note: x}\n'
    assert "'list_price[pill]' is given twice" in fault("correlation:\n", price + "correlation:\n")


def test_two_currencies_in_one_analysis_are_refused():
    assert "in USD" in fault("unit: GBP per year", "unit: USD per year")


def test_a_group_may_not_have_the_name_of_a_parameter():
    assert fault("economic: [", "cost: [").startswith("parameter_groups.cost: ")


def test_a_table_by_age_needs_a_start_age():
    text = TEXT.replace("start_age: 50, horizon: {to_age: 60}", "horizon: {years: 10}")
    with pytest.raises(InputError, match=r"Add time\.start_age"):
        check(read_text(text + "population: {life_table: england_2017_2019}\n"))


def test_further_faults_are_counted():
    text = TEXT.replace("unit: utility", "unit: utilty").replace("status: unverified", "status: unknown")
    with pytest.raises(
        InputError, match=r"parameters\.u_well\.unit: .*Also wrong: parameters\.shares\.status"
    ):
        check(read_text(text))


@given(st.integers(0, len(TEXT) - 1), st.sampled_from([*"0-{}[]:,x#'\n ", ""]), st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_a_damaged_configuration_is_read_or_refused_and_never_crashes(at, inserted, removed):
    try:
        check(read_text(TEXT[:at] + inserted + TEXT[at + removed :]))
    except InputError as error:
        assert str(error)
