"""Ruxolitinib cream and its comparators in adults with moderate atopic dermatitis (NICE ID6602).

Structure: a decision tree to the assessment of response, then a cohort in four-week cycles through control
on treatment, a next line, supportive care with a response that fades, and death, as in NICE TA534 (2018),
TA681 (2021), the assessment group's model of TA814 (Edwards 2024, Health Technology Assessment 28(04)) and
Mikudina 2025 (ISPOR Europe). As-needed use follows the long-term extension of TRuE-AD1/2 (post hoc analysis
2026, PMID 41678112), with retreatment of relapse as in NICE TA1107 (2025).

States: `induction_responder` and `induction_nonresponder` split at time 0 and wait for the assessment at the
drug's own week; `controlled` on treatment; `controlled_off` controlled without it (the cream stopped when
clear, or a conventional drug because the disease was controlled); `relapse` being recaptured by the cream;
`next_induction` and `next_line`; `bsc_response` and `bsc`; `dead`.

Simplifications: response is all or none and assessed once; the wait for the next line's assessment is
geometric with that drug's mean; its stopping rate is the mean of three years' rates; it is never used as
needed and no third line follows. Half-cycle correction moves people in the middle of the assessment cycle,
so maintenance starts two weeks before the end of an induction course charged whole at time 0. Adverse
events are those of the first weeks of a course, without a utility loss. No excess mortality.
"""

from collections.abc import Mapping
from functools import partial

import jax.numpy as jnp

from psa_engine.accrual import Time, Timeline, odds_shift, rate_to_probability
from psa_engine.cohort import START, CohortModel

LIVING = (
    "induction_responder",
    "induction_nonresponder",
    "controlled",
    "controlled_off",
    "relapse",
    "next_induction",
    "next_line",
    "bsc_response",
    "bsc",
)
CYCLES_PER_YEAR = 13
WEEKS_PER_CYCLE = 4
WEEKS_PER_YEAR = 365.25 / 7
MOST_OFF_TREATMENT = 0.9  # of those controlled; nearer to one, stopping would be no probability


def build(timeline: Timeline, strategies: Mapping[str, Mapping[str, float | str]]) -> CohortModel:
    """Return the model; strategies have attributes `product`, `next_line` (or none), `as_needed` (0 or 1).

    Raises InputError unless a year has 13 cycles, the four-week visits that the transitions are written for.
    """
    timeline.require_cycles_per_year(CYCLES_PER_YEAR, "atopic dermatitis")
    return CohortModel((*LIVING, "dead"), strategies, timeline, initial, transitions, payoffs, death="dead")


def initial(p):
    response = response_probability(p, p)
    return {"induction_responder": response, "induction_nonresponder": 1 - response}


def response_probability(p, drug):
    """Return the probability of response: placebo's odds times the drug's odds ratio and bias."""
    return odds_shift(p["baseline_response"], drug["log_odds_ratio"] + drug["relative_effect_bias"])


def is_treatment(drug):
    """Return 1.0 for a drug, which has packs or grams; 0.0 for supportive care and for no next line."""
    return jnp.where(drug["packs_per_year"] + drug["grams_as_needed"] > 0, 1.0, 0.0)


def stopping_rates(drug):
    """Return the rates of stopping in years 1, 2 and 3+ of treatment, per year.

    Each is the drug's own constant rate plus its hazard ratio times ciclosporin's rate in that year.
    """
    ciclosporin = [-jnp.log(drug[f"persistence_year_{year}"]) for year in (1, 2, 3)]
    return [drug["discontinuation_rate"] + drug["stopping_hazard_ratio"] * rate for rate in ciclosporin]


def as_needed_use(p):
    """Return relapse, recapture, stopping when clear, each per cycle, and the share that stops at once.

    Relapse is exponential with the published median, on the cream or off it. A share f of the as-needed
    period is spent off it when g = f (1 + relapse / recapture) of those controlled are, which stopping
    at relapse g / (1 - g) maintains.
    """
    relapse = p["as_needed"] * (1 - 0.5 ** (WEEKS_PER_CYCLE / p["relapse_median_weeks"]))
    recapture = p["recapture_probability"]
    off = jnp.minimum(p["time_off_treatment"] * (1 + relapse / recapture), MOST_OFF_TREATMENT)
    off = off * p["as_needed"]
    stop = jnp.minimum(relapse * off / (1 - off), 1 - relapse)
    return relapse, recapture, stop, off


def transitions(p):
    after = p.at("next_line")
    treated, has_next = is_treatment(p), is_treatment(after)
    relapse, recapture, stop, off_at_once = as_needed_use(p)
    per_cycle = partial(rate_to_probability, duration=1 / CYCLES_PER_YEAR)
    rates = stopping_rates(p)
    fail_in_year = [per_cycle((1 - p["stopped_controlled"]) * rate + p["loss_of_effect"]) for rate in rates]
    settle_in_year = [per_cycle(p["stopped_controlled"] * rate) for rate in rates]
    fade = per_cycle(p["loss_of_bsc_response"])
    fail_next = per_cycle(sum(stopping_rates(after)) / 3 + p["loss_of_effect"])
    assess_next = WEEKS_PER_CYCLE / after["assessment_weeks"]
    refuse_next = assess_next * (1 - response_probability(p, after))
    # Supportive care after a drug has its own transient response; as a strategy it had it at the start.
    transient = p["baseline_response"] * p["response_after_failure"] * treated
    to_supportive_care = {"bsc_response": transient, "bsc": 1 - transient}
    onward = {"next_induction": has_next, **{s: (1 - has_next) * q for s, q in to_supportive_care.items()}}
    constant = {
        ("next_induction", "next_line"): assess_next * response_probability(p, after),
        **{("next_induction", s): refuse_next * q for s, q in to_supportive_care.items()},
        **{("next_line", s): fail_next * q for s, q in to_supportive_care.items()},
        ("bsc_response", "bsc"): fade,
    }

    def edges(t: Time):
        assessed = jnp.where(t.cycle + 1 >= p["assessment_weeks"] / WEEKS_PER_CYCLE, 1.0, 0.0)
        fail, settle = by_year(t, fail_in_year), by_year(t, settle_in_year)
        settle = jnp.where(t.cycle + 1 >= p["maximum_years"] * CYCLES_PER_YEAR, 1.0, settle)
        fail_off = p["as_needed"] * fail + (1 - p["as_needed"]) * fade
        leave = {"controlled": fail, "controlled_off": fail_off, "relapse": fail}
        leave["induction_nonresponder"] = assessed
        return {
            **constant,
            **{(state, to): q * share for state, q in leave.items() for to, share in onward.items()},
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
    """Return the value of the first, the second or the later years of treatment."""
    return jnp.where(t.year < 1, values[0], jnp.where(t.year < 2, values[1], values[2]))


def by_control(p, controlled, uncontrolled):
    """Return living state -> value, between those of controlled and of uncontrolled disease."""
    waiting = p["severity_induction"]
    severity = dict.fromkeys(LIVING, 0.0) | {
        "induction_responder": waiting,
        "induction_nonresponder": 1.0,
        "relapse": p["severity_relapse"],
        "next_induction": 1 - response_probability(p, p.at("next_line")) * (1 - waiting),
        "bsc": 1.0,
    }
    return {state: controlled + share * (uncontrolled - controlled) for state, share in severity.items()}


def by_ratio(p, name):
    """Return living state -> a rate or cost a year, when controlled a share of that when uncontrolled."""
    return by_control(p, p[f"{name}_uncontrolled"] * p[f"{name}_ratio_controlled"], p[f"{name}_uncontrolled"])


def on_first(course, per_year):
    """Return the payoff of what the first drug takes for each course and for a year on it."""
    return {START: course, "controlled": per_year, "relapse": per_year}


def on_next(p, course, per_year):
    """Return the payoff of what the next line takes for each course and for a year on it."""
    courses_a_year = WEEKS_PER_CYCLE * CYCLES_PER_YEAR / p.at("next_line")["assessment_weeks"]
    return {"next_induction": course * courses_a_year, "next_line": per_year}


def on_both(p, course: str, per_year: str | None = None):
    """Return the payoff of two parameters of the first drug and of the next line."""
    first, after = ((x[course], x[per_year] if per_year else 0.0) for x in (p, p.at("next_line")))
    return on_first(*first) | on_next(p, *after)


def packs(drug):
    """Return the packs of an induction course and of a year of maintenance; grams of cream count as tubes."""
    course = drug["grams_induction"] * drug["assessment_weeks"] / drug["grams_per_pack"]
    year = drug["grams_as_needed"] * WEEKS_PER_YEAR / drug["grams_per_pack"]
    return drug["packs_induction"] + course, drug["packs_per_year"] + year


def times(payoff, factor):
    """Return a payoff with every value multiplied by `factor`."""
    return {key: value * factor for key, value in payoff.items()}


def payoffs(p):
    used, used_next = on_first(*packs(p)), on_next(p, *packs(p.at("next_line")))
    price, price_next = (x["list_price"] * (1 - x["discount"]) for x in (p.at("product"), p.at("next_line")))
    nurse = p["nurse_hours_per_monitoring_visit"] * p["cost_nurse_hour"]
    cost_of_visit = nurse + p["tests_per_monitoring_visit"] * p["cost_blood_test"]
    cost_of_flare = p["cost_gp"] + p["outpatient_share_of_flares"] * p["cost_outpatient"]
    flares, events = by_ratio(p, "flares"), on_both(p, "adverse_event_probability")
    monitoring = on_both(p, "monitoring_visits_induction", "monitoring_visits_per_year")
    return {
        "packs.{product}": used,
        "packs.{next_line}": used_next,
        "costs.drug.{product}": times(used, price),
        "costs.drug.{next_line}": times(used_next, price_next),
        "costs.topicals": by_ratio(p, "cost_topicals"),
        "costs.administration": times(on_both(p, "nurse_hours_start"), p["cost_nurse_hour"]),
        "costs.monitoring": times(monitoring, cost_of_visit),
        "costs.outpatient": times(by_ratio(p, "outpatient_visits"), p["resource_use"] * p["cost_outpatient"]),
        "costs.primary_care": times(by_ratio(p, "gp_visits"), p["resource_use"] * p["cost_gp"]),
        "costs.flares": times(flares, cost_of_flare),
        "costs.adverse_events": times(events, p["gp_contacts_per_adverse_event"] * p["cost_gp"]),
        "effects.qalys": quality_of_life(p, flares),
        "life_years": dict.fromkeys(LIVING, 1.0),
        "time_controlled": dict.fromkeys(("controlled", "controlled_off", "next_line", "bsc_response"), 1.0),
        "time_off_treatment": {"controlled_off": 1.0},
        "relapses": {("controlled", "relapse"): 1.0, ("controlled_off", "relapse"): 1.0},
        "flares": flares,
        "adverse_events": events,
    }


def quality_of_life(p, flares):
    """Return living state -> utility less the loss from flares, aged as in the general population.

    Control gives back a share of the distance to full health, so it is never worse than disease or above 1.
    """
    uncontrolled = p["utility_uncontrolled"]
    controlled = uncontrolled + p["utility_gain_controlled"] * (1 - uncontrolled)
    loss_per_flare = p["flare_disutility"] * p["flare_weeks"] / WEEKS_PER_YEAR
    utility = by_control(p, controlled, uncontrolled)
    return {state: partial(aged, utility[state] - flares[state] * loss_per_flare) for state in LIVING}


def aged(utility, t: Time):
    """Return a utility multiplied by the general population's at this age relative to the start."""
    return utility * t.utility_multiplier
