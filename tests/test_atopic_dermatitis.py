"""Laws and published numbers that the ruxolitinib model must keep, in both decision problems."""

from importlib import resources

import numpy as np
import pytest

import psa_engine as pe
from psa_engine.accrual import Time
from psa_engine.errors import InputError
from psa_engine.model import Draw
from psa_engine.models import atopic_dermatitis as model

NAIVE, AFTER = "ruxolitinib_ad_systemic_naive", "ruxolitinib_ad_post_systemic"
CREAM, CARE = "ruxolitinib_cream", "best_supportive_care"


@pytest.fixture(scope="module")
def naive():
    return pe.load_analysis(NAIVE)


@pytest.fixture(scope="module")
def after():
    return pe.load_analysis(AFTER)


@pytest.fixture(scope="module")
def draws(naive):
    return pe.run_psa(naive.model, naive.parameters, n_draws=1_000, seed=5)


def means(analysis, **changes):
    """Every parameter at its mean, some changed; in a keyword __ opens the bracket: price__dupilumab."""
    named = {f"{k.replace('__', '[')}]" if "__" in k else k: v for k, v in changes.items()}
    return {**analysis.parameters.means(), **named}


def run(analysis, **changes):
    return pe.evaluate(analysis.model, means(analysis, **changes))


def shares(analysis, strategy, **changes):
    return pe.cohort_trace(analysis.model, means(analysis, **changes), strategy)


def only(sample, what, strategy):
    """The one draw of a sample: an outcome, costs or effects of a strategy."""
    return sample.outcome(what)[strategy].item()


def seen_by(analysis, strategy, values):
    """The parameters as the model sees them for one strategy."""
    strategies = analysis.model.structure.strategies
    return Draw(values, strategies, strategies.names.index(strategy))


def general_population(table, ages):
    """Rows of a shipped table at completed ages: (n_ages, 2), men and women."""
    text = resources.files("psa_engine.data").joinpath(f"{table}.csv").read_text().splitlines()
    rows = np.array([[float(x) for x in line.split(",")] for line in text[3:]])
    return rows[np.floor(ages + 1e-9).astype(int), 1:]


def test_a_drug_given_all_that_another_has_gets_its_results(after):
    values = means(after)
    of_dupilumab = {k.split("[")[0]: v for k, v in values.items() if k.endswith("[dupilumab]")}
    swapped = pe.evaluate(after.model, values | {f"{k}[tralokinumab]": v for k, v in of_dupilumab.items()})
    for what in ("costs", "effects"):
        dupilumab, tralokinumab = (only(swapped, what, drug) for drug in ("dupilumab", "tralokinumab"))
        assert tralokinumab == pytest.approx(dupilumab, rel=1e-12)
        assert only(run(after), what, "tralokinumab") < 0.99 * dupilumab


def test_bias_is_a_shift_of_the_log_odds_ratio(naive):
    biased = run(naive, relative_effect_bias__ruxolitinib_cream=-0.7, log_odds_ratio__ruxolitinib_cream=1.9)
    shifted = run(naive, relative_effect_bias__ruxolitinib_cream=0.0, log_odds_ratio__ruxolitinib_cream=1.2)
    np.testing.assert_allclose(biased.effects, shifted.effects, rtol=1e-12)
    np.testing.assert_allclose(biased.costs, shifted.costs, rtol=1e-12)


def test_response_without_effect_is_the_baseline(naive):
    start = model.initial(seen_by(naive, CARE, means(naive, baseline_response=0.31)))
    assert float(start["induction_responder"]) == pytest.approx(0.31)


def test_response_has_the_odds_ratio_of_the_pooled_trials(naive):
    start = model.initial(seen_by(naive, CREAM, means(naive, baseline_response=0.25)))
    odds = 0.25 / 0.75 * np.exp(1.917)
    assert float(start["induction_responder"]) == pytest.approx(odds / (1 + odds))


def test_a_whole_discount_makes_a_drug_free_and_changes_nothing_else(after):
    base, free = run(after), run(after, discount__upadacitinib_15=1.0)
    np.testing.assert_array_equal(free.effects, base.effects)
    np.testing.assert_allclose(base.costs - free.costs, base.outcome("costs.drug.upadacitinib_15"), atol=1e-6)
    only_next = only(base, "costs.drug.dupilumab", "upadacitinib_15")
    assert only(free, "costs.drug", "upadacitinib_15") == only_next


@pytest.mark.parametrize("product", ["ciclosporin", "methotrexate", "mycophenolate_mofetil"])
def test_drug_cost_is_packs_at_the_net_price(draws, product):
    price = draws.parameters[f"list_price[{product}]"].to_numpy()[:, None]
    packs = draws.outcome(f"packs.{product}")
    assert packs.to_numpy().max() > 10
    np.testing.assert_allclose(draws.outcome(f"costs.drug.{product}"), packs * price, rtol=1e-12)


def test_a_discount_takes_its_share_of_the_price(after):
    sample = run(after, discount__dupilumab=0.35)
    cost, packs = (sample.outcome(f"{kind}.dupilumab") for kind in ("costs.drug", "packs"))
    np.testing.assert_allclose(cost, packs * 1264.89 * 0.65, rtol=1e-12)


@pytest.mark.parametrize("share", [0.2, 0.439])
def test_the_share_off_treatment_settles_at_the_published_one(naive, share):
    never_lost = {"discontinuation_rate__ruxolitinib_cream": 0.0, "loss_of_effect": 0.0}
    trace = shares(naive, CREAM, time_off_treatment=share, **never_lost).loc[260]
    period = trace["controlled"] + trace["controlled_off"] + trace["relapse"]
    assert trace["controlled_off"] / period == pytest.approx(share, abs=1e-9)


def test_half_have_relapsed_by_the_published_median(naive):
    relapse = model.as_needed_use(seen_by(naive, CREAM, means(naive)))[0]
    assert (1 - float(relapse)) ** (36.1 / 4) == pytest.approx(0.5, abs=0.001)


def test_cream_used_as_needed_averages_fifteen_grams_a_week(naive):
    p = means(naive)
    on_treatment = 1 - p["time_off_treatment"]
    assert p["grams_as_needed[ruxolitinib_cream]"] * on_treatment == pytest.approx(15, abs=0.05)


def test_ciclosporin_is_kept_as_published(naive):
    # van der Schaft 2015: 34, 18 and 12 % still on it after 1, 2 and 3 years.
    edges = model.transitions(seen_by(naive, "ciclosporin", means(naive, loss_of_effect=0.0)))
    kept = []
    for cycle in range(39):
        at = edges(Time(cycle, cycle / 13, 38.0, 0.0, 1.0))
        kept.append(1 - sum(float(q) for (source, _), q in at.items() if source == "controlled"))
    np.testing.assert_allclose(np.cumprod(kept)[[12, 25, 38]], [0.34, 0.18, 0.12], atol=1e-4)


def test_a_hazard_ratio_is_a_power_of_persistence(naive):
    p = seen_by(naive, "azathioprine", means(naive, stopping_hazard_ratio__azathioprine=1.5))
    kept = np.exp(-np.array([float(r) for r in model.stopping_rates(p)]))
    np.testing.assert_allclose(kept, np.array([0.34, 0.5294, 0.6667]) ** 1.5, rtol=1e-12)


def test_response_is_assessed_at_the_drugs_own_week(naive):
    for strategy, weeks in {CREAM: 8, "ciclosporin": 12, "methotrexate": 16, CARE: 16}.items():
        edges = model.transitions(seen_by(naive, strategy, means(naive)))
        for cycle in range(6):
            at = edges(Time(cycle, cycle / 13, 38.0, 0.0, 1.0))
            for waiting in ("induction_responder", "induction_nonresponder"):
                leaving = sum(float(q) for (source, _), q in at.items() if source == waiting)
                assert leaving == pytest.approx(1 if 4 * (cycle + 1) >= weeks else 0)


def test_nobody_stays_on_ciclosporin_beyond_a_cap_of_a_year(naive):
    analyses = naive, naive.with_scenario("ciclosporin_one_year_cap")
    free, capped = (shares(analysis, "ciclosporin") for analysis in analyses)
    assert free.loc[13, "controlled"] > 0.1 and capped.loc[12, "controlled"] > 0.1
    assert capped.loc[13:, "controlled"].max() == 0


@pytest.mark.parametrize("name", [NAIVE, AFTER])
def test_nobody_is_lost(name):
    analysis = pe.load_analysis(name)
    occupancy = np.asarray(analysis.model.structure.trace(means(analysis), analysis.model.inputs()))
    assert occupancy.shape[1:] == (807, 10) and occupancy.min() > -1e-12
    np.testing.assert_allclose(occupancy.sum(axis=2), 1.0, atol=1e-12)


def test_life_years_are_those_of_the_life_table_for_every_strategy(after):
    years = np.arange(807) / 13
    survival = (1 - general_population("england_2017_2019", 38 + years[:-1])) ** (1 / 13)
    alive = np.vstack([np.ones(2), np.cumprod(survival, axis=0)]).mean(axis=1)
    expected = np.trapezoid(alive * 1.035**-years, years)
    np.testing.assert_allclose(run(after).outcome("life_years"), expected, rtol=1e-12)


def test_the_life_table_gives_the_published_life_expectancy():
    # Office for National Statistics, England 2017-2019: 79.8 years for men, 83.4 for women.
    alive = np.cumprod(1 - general_population("england_2017_2019", np.arange(101)), axis=0)
    np.testing.assert_allclose(0.5 + alive.sum(axis=0), [79.8, 83.4], atol=0.2)


def test_qalys_without_response_are_the_norms_scaled(naive):
    years = np.arange(807) / 13
    survival = (1 - general_population("england_2017_2019", 38 + years[:-1])) ** (1 / 13)
    alive = np.vstack([np.ones(2), np.cumprod(survival, axis=0)])
    norm = (alive * general_population("england_hse_2014", 38 + years)).sum(axis=1)
    expected = 0.61 * np.trapezoid(norm / norm[0] * 1.035**-years, years)
    sample = run(naive, baseline_response=1e-15, flares_uncontrolled=0.0, utility_uncontrolled=0.61)
    assert sample.effects[CARE].item() == pytest.approx(expected, rel=1e-9)


def test_control_that_gives_nothing_makes_all_qalys_equal(naive):
    sample = run(naive, utility_gain_controlled=0.0, flare_disutility=0.0)
    assert np.ptp(sample.effects.to_numpy()) == pytest.approx(0, abs=1e-10)


def test_utilities_never_cross(naive, draws):
    values = means(naive) | {name: draws.parameters[name].to_numpy() for name in draws.parameters}
    p = seen_by(naive, CREAM, values)
    quality = model.quality_of_life(p, model.by_ratio(p, "flares"))
    at_start = {state: np.asarray(value(Time(0, 0, 38, 0, 1.0))) for state, value in quality.items()}
    assert at_start["bsc"].shape == (1_000,) and at_start["bsc"].min() > 0.4
    assert np.all(at_start["bsc"] < at_start["relapse"])
    assert np.all(at_start["relapse"] < at_start["controlled"])
    assert at_start["controlled"].max() < 1


def test_supportive_care_takes_no_drug(naive):
    sample = run(naive)
    drugs = [name for name in sample.outcome_names if name.startswith(("packs.", "costs.drug."))]
    assert len(drugs) > 8 and all(float(sample.outcome(name)[CARE].abs().max()) == 0 for name in drugs)


def test_without_a_next_line_only_the_first_drug_is_taken(naive):
    alone = naive.with_scenario("no_next_line")
    packs = pe.base_case(alone.model, alone.parameters).outcome("packs.methotrexate").iloc[0]
    assert packs["methotrexate"] > 0 and packs.drop("methotrexate").abs().max() == 0


@pytest.mark.parametrize(
    ("product", "cost"),
    [
        ("dupilumab", 16_500),
        ("tralokinumab", 13_950),
        ("lebrikizumab", 14_810),
        ("abrocitinib_100", 11_660),
        ("upadacitinib_15", 10_510),
        ("upadacitinib_30", 21_020),
    ],
)
def test_a_year_of_maintenance_costs_what_the_dossier_says(after, product, cost):
    p = means(after)
    assert p[f"packs_per_year[{product}]"] * p[f"list_price[{product}]"] == pytest.approx(cost, rel=0.002)


@pytest.mark.parametrize("name", [NAIVE, AFTER])
def test_every_input_says_what_it_rests_on(name):
    analysis = pe.load_analysis(name)
    for entry in analysis.ledger:
        assert (entry.source or entry.note) and entry.label and entry.unit, entry.name
        assert entry.status in ("verified", "unverified", "assumption", "gap"), entry.name
    status = {entry.name: entry.status for entry in analysis.ledger}
    assert status["list_price[ruxolitinib_cream]"] == "gap" and status["utility_uncontrolled"] == "unverified"
    assert analysis.illustrative


@pytest.mark.parametrize("name", [NAIVE, AFTER])
def test_no_drug_falls_back_on_what_stands_for_no_drug(name):
    analysis = pe.load_analysis(name)
    given = analysis.parameters.means()
    own = ("log_odds_ratio", "list_price", "adverse_event_probability")
    for drug in set(analysis.model.structure.strategies.names) - {CARE}:
        assert {f"{x}[{drug}]" for x in own} <= given.keys()
        stops = [given.get(f"{x}[{drug}]", 0) for x in ("discontinuation_rate", "stopping_hazard_ratio")]
        assert sum(stops) > 0, drug


@pytest.mark.parametrize("name", [NAIVE, AFTER])
def test_every_scenario_and_subgroup_runs(name):
    analysis = pe.load_analysis(name)
    assert len(analysis.scenarios) >= 16
    assert set(analysis.subgroups) == {"head_and_neck", "hands", "skin_colour"}
    changed = [analysis.with_scenario(x) for x in analysis.scenarios]
    for other in changed + [analysis.with_subgroup(x) for x in analysis.subgroups]:
        sample = pe.base_case(other.model, other.parameters)
        assert np.isfinite(sample.costs.to_numpy()).all() and sample.effects.to_numpy().min() > 2


def test_other_cycles_are_refused(naive):
    with pytest.raises(InputError, match="13 cycles a year"):
        model.build(pe.Timeline(12, 100), {CREAM: {}})
