"""The model of `starter.yaml`: people are well, ill or dead. Change it to yours.

Run it with `psa-engine run starter.yaml --allow-model-file`, look at it with `psa-engine check` and the same words.
"""

import psa_engine as pe

STATES = ("well", "ill", "dead")


def build(timeline, strategies):
    """Return the model; the timeline and the strategies come from the YAML file."""
    return pe.CohortModel(
        STATES,
        strategies,
        timeline,
        initial="well",  # or a function of p that returns {state: probability}
        transitions=transitions,
        payoffs=payoffs,
        death="dead",  # everyone dies as in the life table that the YAML file names ...
        mortality_ratio=mortality_ratio,  # ... times these hazard ratios
    )


# Each function below is written for one draw of the parameters and one strategy: p["x"] is that draw of the
# parameter x, p["treated"] the attribute `treated` of the strategy. The engine adds the draws and the strategies.


def transitions(p):
    """Return the probability per cycle of each step, among survivors; whoever takes none stays."""
    illness = p["illness_rate"] * p["hazard_ratio"] ** p["treated"]
    return {
        ("well", "ill"): pe.rate_to_probability(illness, p["cycle_years"]),
        ("ill", "well"): pe.rate_to_probability(p["recovery_rate"], p["cycle_years"]),
    }


def mortality_ratio(p):
    """Return the hazard ratio of death in the states where it is not 1."""
    return {"ill": p["mortality_ratio_ill"]}


def payoffs(p):
    """Return each outcome per year in a state; (from, to) is per step, pe.START once per person.

    costs.* add up to the costs, effects.* to the effects; packs.* let prices be studied after a run.
    """
    packs = p["packs_per_year"] * p["treated"]
    price = p["list_price[new_drug]"] * (1 - p["discount[new_drug]"])
    return {
        "costs.drug": {"well": packs * price},
        "costs.care": {"well": p["cost_well"], "ill": p["cost_ill"], ("well", "ill"): p["cost_onset"]},
        "effects.qalys": {
            # Utility falls with age as in the norms that the YAML file names.
            "well": lambda t: p["utility_well"] * t.utility_multiplier,
            "ill": lambda t: (p["utility_well"] - p["utility_loss_ill"]) * t.utility_multiplier,
        },
        "packs.new_drug": {"well": packs},
        "life_years": {"well": 1.0, "ill": 1.0},
    }
