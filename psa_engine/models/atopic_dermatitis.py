"""Ruxolitinib cream and its comparators in adults with moderate atopic dermatitis (NICE ID6602).

Structure. A decision tree to the assessment of response, then a cohort in four-week cycles, as in NICE
TA534 (2018), TA681 (2021), the assessment group's model of TA814 (Edwards et al., Health Technology
Assessment 2024;28(04)) and Mikudina et al. (ISPOR Europe 2025): treatment while it controls the disease,
a next line, best supportive care with a response that fades, death. Use as needed follows the time course
in the long-term extension of TRuE-AD1/2 (post hoc analysis 2026, PMID 41678112), with retreatment of
relapse as in NICE TA1107 (2025): controlled on the cream, controlled off it, relapse, recapture.

States. `induction_responder` and `induction_nonresponder` split at time 0 and wait for the assessment at
the drug's own week; `controlled` on treatment; `controlled_off` controlled without it (the cream stopped
when clear, or a conventional drug stopped because the disease was controlled); `relapse` recaptured by the
cream; `next_induction`, `next_line`; `bsc_response`, `bsc`; `dead`.

Simplifications. Response is all or none, assessed once. The wait for the next line's assessment is geometric with
that drug's mean; its stopping rate is the mean of its first three years; it is never used as needed and
never followed by a third line. Under half-cycle correction people change state in the middle of the
assessment cycle, so maintenance is counted from two weeks before the end of an induction course that is
charged whole at time 0. Adverse events are those of the first weeks of each course. No excess mortality.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax.numpy as jnp

from psa_engine.accrual import Time, Timeline, odds_shift, rate_to_probability
from psa_engine.cohort import START, CohortModel
from psa_engine.errors import InputError

STATES = (
    "induction_responder",
    "induction_nonresponder",
    "controlled",
    "controlled_off",
    "relapse",
    "next_induction",
    "next_line",
    "bsc_response",
    "bsc",
    "dead",
)
WEEKS_PER_CYCLE = 4  # the visits of the trials
CYCLES_PER_YEAR = 13
WEEKS_PER_YEAR = 365.25 / 7
MOST_OFF_TREATMENT = 0.9  # of those clear at a time; beyond it the share off treatment has no stopping rate


def build(timeline: Timeline, strategies: Mapping[str, Mapping[str, float | str]]) -> CohortModel:
    """Return the model; each strategy has the attributes `product`, `next_line` (names or none) and `as_needed` (0 or 1).

    Raises InputError unless there are 13 cycles a year, the four-week visits the transitions are written for.
    """
    if timeline.cycles_per_year != CYCLES_PER_YEAR:
        raise InputError(
            f"The atopic dermatitis model has four-week cycles, and the configuration has "
            f"{timeline.cycles_per_year:g} a year.",
            hint="Set time.cycles_per_year to 13.",
        )
    return CohortModel(STATES, strategies, timeline, initial, transitions, payoffs, death="dead")


def initial(p):
    """Split the cohort by the response it will have at the assessment."""
    response = response_probability(p["baseline_response"], p)
    return {"induction_responder": response, "induction_nonresponder": 1 - response}


def response_probability(baseline, drug):
    """Return the probability of response: the odds on placebo with topicals times the drug's odds ratio and bias."""
    return odds_shift(baseline, drug["log_odds_ratio"] + drug["relative_effect_bias"])


def is_treatment(drug):
    """Return 1.0 for a drug (it has packs), 0.0 for supportive care and for no next line."""
    return jnp.where(drug["packs_per_year"] + drug["grams_as_needed"] > 0, 1.0, 0.0)


def stopping_rates(drug):
    """Return the rates a year of stopping in years 1, 2 and 3+ of treatment.

    They are the drug's own constant rate plus its hazard ratio times ciclosporin's rate in that year of treatment.
    """
    ciclosporin = [-jnp.log(drug[f"persistence_year_{year}"]) for year in (1, 2, 3)]
    return [drug["discontinuation_rate"] + drug["stopping_hazard_ratio"] * rate for rate in ciclosporin]


def as_needed_use(p):
    """Return relapse, recapture and stopping per cycle, and the share that stops at the assessment.

    Relapse is exponential with the published median. Where relapse from control on and off the cream is equally likely, a
    share f of the as-needed period is spent off it when g = f (1 + relapse / recapture) of those
    controlled are off it, which stopping = relapse g / (1 - g) keeps so.
    """
    relapse = p["as_needed"] * (1 - 0.5 ** (WEEKS_PER_CYCLE / p["relapse_median_weeks"]))
    recapture = p["recapture_probability"]
    off = p["time_off_treatment"] * (1 + relapse / recapture)
    off = p["as_needed"] * jnp.minimum(off, MOST_OFF_TREATMENT)
    stop = jnp.minimum(relapse * off / (1 - off), 1 - relapse)
    return relapse, recapture, stop, off


def transitions(p):
    next_line = p.at("next_line")
    treated, has_next = is_treatment(p), is_treatment(next_line)
    relapse, recapture, stop, off_at_once = as_needed_use(p)
    per_cycle = partial(rate_to_probability, duration=1 / CYCLES_PER_YEAR)
    stops = stopping_rates(p)
    fail_by_year = [per_cycle((1 - p["stopped_controlled"]) * rate + p["loss_of_effect"]) for rate in stops]
    settle_by_year = [per_cycle(p["stopped_controlled"] * rate) for rate in stops]
    fade = per_cycle(p["loss_of_bsc_response"])
    fail_next = per_cycle(sum(stopping_rates(next_line)) / 3 + p["loss_of_effect"])
    next_response = response_probability(p["baseline_response"], next_line)
    assess_next = WEEKS_PER_CYCLE / next_line["assessment_weeks"]
    transient = p["baseline_response"] * p["response_after_failure"] * treated
    onward = {
        "next_induction": has_next,
        "bsc_response": (1 - has_next) * transient,
        "bsc": (1 - has_next) * (1 - transient),
    }
    settled = {
        ("next_induction", "next_line"): assess_next * next_response,
        ("next_induction", "bsc_response"): assess_next * (1 - next_response) * transient,
        ("next_induction", "bsc"): assess_next * (1 - next_response) * (1 - transient),
        ("next_line", "bsc_response"): fail_next * transient,
        ("next_line", "bsc"): fail_next * (1 - transient),
        ("bsc_response", "bsc"): fade,
    }

    def edges(t: Time):
        assessed = jnp.where(t.cycle + 1 >= p["assessment_weeks"] / WEEKS_PER_CYCLE, 1.0, 0.0)
        fail, settle = by_year(t, fail_by_year), by_year(t, settle_by_year)
        settle = jnp.where(t.cycle + 1.5 > p["maximum_years"] * CYCLES_PER_YEAR, 1.0, settle)
        fail_off = p["as_needed"] * fail + (1 - p["as_needed"]) * fade
        leave = {
            "induction_nonresponder": assessed,
            "controlled": fail,
            "controlled_off": fail_off,
            "relapse": fail,
        }
        failing = {(state, to): q * share for state, q in leave.items() for to, share in onward.items()}
        return {
            **settled,
            **failing,
            ("induction_responder", "controlled"): assessed * treated * (1 - off_at_once),
            ("induction_responder", "controlled_off"): assessed * treated * off_at_once,
            ("induction_responder", "bsc_response"): assessed * (1 - treated),
            ("controlled", "controlled_off"): (1 - fail) * (settle + (1 - settle) * stop),
            ("controlled", "relapse"): (1 - fail) * (1 - settle) * relapse,
            ("controlled_off", "relapse"): (1 - fail_off) * relapse,
            ("relapse", "controlled"): (1 - fail) * recapture,
        }

    return edges


def by_year(t: Time, values):
    """Return the first, second or third value in the first, second or later years of treatment."""
    return jnp.where(t.year < 1, values[0], jnp.where(t.year < 2, values[1], values[2]))


def by_control(p, controlled, uncontrolled):
    """Return living state -> value, between that of controlled and that of uncontrolled disease."""
    next_response = response_probability(p["baseline_response"], p.at("next_line"))
    severity = {
        "induction_responder": p["severity_induction"],
        "induction_nonresponder": 1.0,
        "controlled": 0.0,
        "controlled_off": 0.0,
        "relapse": p["severity_relapse"],
        "next_induction": 1 - next_response * (1 - p["severity_induction"]),
        "next_line": 0.0,
        "bsc_response": 0.0,
        "bsc": 1.0,
    }
    return {state: controlled + share * (uncontrolled - controlled) for state, share in severity.items()}


def packs(drug):
    """Return the packs of an induction course and of a year of maintenance, tablets and injections or grams of cream."""
    course = drug["grams_induction"] * drug["assessment_weeks"] / drug["grams_per_pack"]
    year = drug["grams_as_needed"] * WEEKS_PER_YEAR / drug["grams_per_pack"]
    return drug["packs_induction"] + course, drug["packs_per_year"] + year


def first_line(course, per_year):
    """Return the payoff of something used in each course of the first drug and per year on it."""
    return {START: course, "controlled": per_year, "relapse": per_year}


def next_line(p, course, per_year):
    """Return the payoff of something used in each course of the next line's drug and per year on it."""
    wait_in_years = p.at("next_line")["assessment_weeks"] / WEEKS_PER_CYCLE / CYCLES_PER_YEAR
    return {"next_induction": course / wait_in_years, "next_line": per_year}


def times(payoff: Mapping[Any, Any], factor) -> dict[Any, Any]:
    """Return a payoff with every value multiplied by `factor`."""
    return {key: value * factor for key, value in payoff.items()}


def payoffs(p):
    after = p.at("next_line")
    used, used_next = first_line(*packs(p)), next_line(p, *packs(after))
    price, price_next = (x["list_price"] * (1 - x["discount"]) for x in (p.at("product"), after))
    visits = {
        **first_line(p["monitoring_visits_induction"], p["monitoring_visits_per_year"]),
        **next_line(p, after["monitoring_visits_induction"], after["monitoring_visits_per_year"]),
    }
    cost_of_visit = (
        p["nurse_hours_per_monitoring_visit"] * p["cost_nurse_hour"]
        + p["tests_per_monitoring_visit"] * p["cost_blood_test"]
    )
    teaching = {**first_line(p["nurse_hours_start"], 0.0), **next_line(p, after["nurse_hours_start"], 0.0)}
    events = {
        **first_line(p["adverse_event_probability"], 0.0),
        **next_line(p, after["adverse_event_probability"], 0.0),
    }
    flares = by_control(p, p["flare_rate_uncontrolled"] * p["flare_ratio_controlled"], p["flare_rate_uncontrolled"])
    cost_of_flare = p["cost_gp"] + p["outpatient_share_of_flares"] * p["cost_outpatient"]
    contacts = {
        kind: by_control(p, p[f"{kind}_visits_uncontrolled"] * p[f"{kind}_ratio_controlled"], p[f"{kind}_visits_uncontrolled"])
        for kind in ("outpatient", "gp")
    }
    topicals = by_control(p, p["cost_topicals"] * p["topicals_ratio_controlled"], p["cost_topicals"])
    controlled = dict.fromkeys(("controlled", "controlled_off", "next_line", "bsc_response"), 1.0)
    return {
        "packs.{product}": used,
        "packs.{next_line}": used_next,
        "costs.drug.{product}": times(used, price),
        "costs.drug.{next_line}": times(used_next, price_next),
        "costs.topicals": topicals,
        "costs.administration": times(teaching, p["cost_nurse_hour"]),
        "costs.monitoring": times(visits, cost_of_visit),
        "costs.outpatient": times(contacts["outpatient"], p["resource_use"] * p["cost_outpatient"]),
        "costs.primary_care": times(contacts["gp"], p["resource_use"] * p["cost_gp"]),
        "costs.flares": times(flares, cost_of_flare),
        "costs.adverse_events": times(events, p["gp_contacts_per_adverse_event"] * p["cost_gp"]),
        "effects.qalys": quality_of_life(p, flares),
        "life_years": dict.fromkeys(STATES[:-1], 1.0),
        "time_controlled": controlled,
        "time_off_treatment": {"controlled_off": 1.0},
        "relapses": {("controlled", "relapse"): 1.0, ("controlled_off", "relapse"): 1.0},
        "flares": flares,
        "adverse_events": events,
    }


def quality_of_life(p, flares) -> dict[str, Callable[[Time], Any]]:
    """Return state -> utility less the loss from flares, aged as the general population's.

    Control gives back a share of the distance to full health, so no draw has control below disease or above one.
    """
    uncontrolled = p["utility_uncontrolled"]
    controlled = uncontrolled + p["utility_gain_controlled"] * (1 - uncontrolled)
    loss_per_flare = p["flare_disutility"] * p["flare_weeks"] / WEEKS_PER_YEAR
    utility = by_control(p, controlled, uncontrolled)
    return {s: partial(_aged, u - flares[s] * loss_per_flare) for s, u in utility.items()}


def _aged(utility, t: Time):
    return utility * t.utility_multiplier
