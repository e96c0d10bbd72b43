"""Value-of-information problems whose answers are known by closed form or quadrature.

Each `Known` holds a model, its parameters, the WTP at which the answers hold, the EVPI, and the EVPPI of
sets of parameters (of groups, where a name is one). Costs and effects are kept apart and of different
shapes, so that an estimator that mixes them up is found out. The answers were all made apart from this
package; P4 is case 1 of Brennan, Kharroubi, O'Hagan, Chilcott 2007.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from psa_engine.distributions import Beta, Dirichlet, Gamma, MultivariateNormal, Normal, Uniform
from psa_engine.engine import run_psa
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample


@dataclass(frozen=True, eq=False)
class Known:
    """A model and its parameters, with the EVPI and EVPPIs at one WTP, in money per person."""

    model: FunctionModel
    parameters: ParameterSet
    wtp: float
    evpi: float
    evppi: Mapping[tuple[str, ...], float]
    evsi: Mapping[str, Mapping[int, float]] = field(default_factory=dict)

    def sample(self, n_draws: int, seed: int, sampler: str = "random") -> PsaSample:
        """Return a PSA sample of this problem."""
        return run_psa(self.model, self.parameters, n_draws, seed, sampler=sampler, keep="totals")  # type: ignore[arg-type]

    @property
    def singles(self) -> dict[str, float]:
        """The EVPPI of each single parameter that has a known answer."""
        return {of[0]: value for of, value in self.evppi.items() if len(of) == 1}


def _theta() -> MultivariateNormal:
    return MultivariateNormal(
        names=("t1", "t2", "t3", "t4", "t5"),
        mean=(1, 0.5, 2, 0, 0),
        sd=(1, 2, 1.5, 1, 1),
        correlation=[
            [1, 0.5, 0, 0.8, 0],
            [0.5, 1, 0, 0.3, 0],
            [0, 0, 1, 0, 0],
            [0.8, 0.3, 0, 1, 0],
            [0, 0, 0, 0, 1],
        ],
    )


def _p1(p):
    return (0.0, 800 * p["t3"] - 300), (0.0, p["t1"] + 0.4 * p["t2"])


def _p2(p):
    costs = (0.0, 800 * p["t3"] - 300, 700 - 100 * p["t3"])
    return costs, (0.0, p["t1"] + 0.4 * p["t2"], 0.2 * p["t1"] + 0.9 * p["t2"])


# P1: linear, normal, correlated. t4 has no part in the model: its correlation with t1 is its worth.
# EVSI of t1 alone: a mean of n observations, each N(t1, 16); of (t1, t3): variances 16 and 25.
P1 = Known(
    FunctionModel(_p1, ("standard care", "new")),
    ParameterSet({"theta": _theta()}),
    wtp=1_000.0,
    evpi=736.8376,
    evppi={
        ("t1",): 509.9434,
        ("t2",): 470.1586,
        ("t3",): 430.3920,
        ("t4",): 366.8165,
        ("t5",): 0.0,
        ("t1", "t2"): 574.4443,
        ("t1", "t3"): 686.6947,
        ("t2", "t3"): 656.9281,
        ("t1", "t2", "t3"): 736.8376,
        ("theta",): 736.8376,
    },
    evsi={
        "t1": {10: 298.6738, 50: 437.7646, 200: 488.9154},
        "t1 and t3": {10: 429.7209, 50: 602.2476, 200: 662.4254},
    },
)

# P1b: the incremental net benefit is X + Y.
P1B = Known(
    FunctionModel(lambda p: ((0.0, -p["y"]), (0.0, p["x"])), ("old", "new")),
    ParameterSet({"x": Normal(0, 1), "y": Normal(0, 1)}),
    wtp=1.0,
    evpi=0.5641896,
    evppi={("x",): 0.3989423, ("y",): 0.3989423, ("x", "y"): 0.5641896},
)

# P2: P1 with a third strategy.
P2 = Known(
    FunctionModel(_p2, ("standard care", "new", "newer")),
    ParameterSet({"theta": _theta()}),
    wtp=1_000.0,
    evpi=970.3764,
    evppi={
        ("t1",): 401.9018,
        ("t2",): 685.3508,
        ("t3",): 422.7806,
        ("t4",): 256.3877,
        ("t5",): 0.0,
        ("t1", "t2"): 762.7791,
        ("t1", "t3"): 718.1713,
        ("t2", "t3"): 902.8872,
        ("t1", "t2", "t3"): 970.3764,
    },
)

# P2b: ten strategies, each worth its own standard normal: every pair of them ties in truth.
_TEN = tuple(f"t{d}" for d in range(1, 11))
P2B = Known(
    FunctionModel(lambda p: ((0.0,) * 10, tuple(p[t] for t in _TEN)), tuple(f"option {t}" for t in _TEN)),
    ParameterSet({name: Normal(0, 1) for name in _TEN}),
    wtp=1.0,
    evpi=1.538753,
    evppi={_TEN[:1]: 0.3989423, _TEN[:2]: 0.6810371, _TEN[:5]: 1.169705, _TEN[:9]: 1.485261, _TEN: 1.538753},
)


def _p3(p):
    return (0.0, 0.0), (0.0, sum(p[f"t{k}"] * p[f"t{k + 1}"] for k in range(1, 21, 2)))


def _pairs(n: int) -> tuple[str, ...]:
    return tuple(f"t{k}" for k in range(1, 2 * n + 1))


# P3: a pure interaction. Only complete pairs are worth anything; linear and additive fits see nothing.
P3 = Known(
    FunctionModel(_p3, ("old", "new")),
    ParameterSet({f"t{k}": Normal(0, 1) for k in range(1, 21)}),
    wtp=1_000.0,
    evpi=1230.469,
    evppi={
        ("t1",): 0.0,
        ("t8",): 0.0,
        ("t2", "t3"): 0.0,
        ("t1", "t3", "t5", "t7"): 0.0,
        _pairs(1): 318.3099,
        ("t1", "t2", "t3"): 318.3099,
        _pairs(2): 500.0,
        _pairs(5): 848.8264,
        _pairs(10): 1230.469,
    },
)

_P4_MOMENTS = (
    (1000, 1), (0.1, 0.02), (5.2, 1), (400, 200), (0.7, 0.1), (0.3, 0.1), (3, 0.5), (0.25, 0.1),
    (-0.1, 0.02), (0.5, 0.2), (1500, 1), (0.08, 0.02), (6.1, 1), (0.8, 0.1), (0.3, 0.05), (3, 1),
    (0.2, 0.05), (-0.1, 0.02), (0.5, 0.2),
)  # fmt: skip
_P4_CORRELATED = ("x5", "x7", "x14", "x16")
_P4_ALONE = {"x5": 22.45992, "x6": 611.8023, "x7": 11.9974, "x14": 230.8127, "x15": 271.295, "x16": 460.5418}


def _p4(p):
    costs = (p["x1"] + p["x2"] * p["x3"] * p["x4"], p["x11"] + p["x12"] * p["x13"] * p["x4"])
    effects = (
        p["x5"] * p["x6"] * p["x7"] + p["x8"] * p["x9"] * p["x10"],
        p["x14"] * p["x15"] * p["x16"] + p["x17"] * p["x18"] * p["x19"],
    )
    return costs, effects


P4 = Known(
    FunctionModel(_p4, ("T0", "T1")),
    ParameterSet(
        {f"x{k}": Normal(mean, sd) for k, (mean, sd) in enumerate(_P4_MOMENTS, 1)},
        correlation={
            "response": (_P4_CORRELATED, [[1.0 if a == b else 0.6 for b in range(4)] for a in range(4)])
        },
        groups={"correlated": _P4_CORRELATED},
    ),
    wtp=10_000.0,
    evpi=1047.031,
    evppi={
        **{(f"x{k}",): _P4_ALONE.get(f"x{k}", 0.0) for k in range(1, 20)},
        ("x5", "x14"): 247.912,
        ("x7", "x16"): 536.5196,
        ("x14", "x16"): 461.6486,
        ("x5", "x7"): 28.47941,
        ("x5", "x6", "x14", "x15"): 841.2507,
        ("x5", "x7", "x14", "x16"): 596.9945,
        ("correlated",): 596.9945,
        ("x5", "x6", "x7", "x14", "x15", "x16"): 1045.893,
        ("x2", "x3", "x4", "x8", "x9", "x10", "x12", "x13", "x17", "x18", "x19"): 0.01400,
    },
)

# P12: proportions that add up to one. EVSI: a multinomial sample of n.
P12 = Known(
    FunctionModel(
        lambda p: ((0.0, 20_000 * p["p3"]), (5.6, 10 * p["p1"] + 2 * p["p2"])),
        ("old", "new"),
    ),
    ParameterSet({"response": Dirichlet(names=("p1", "p2", "p3"), alpha=(6, 3, 1))}),
    wtp=1_000.0,
    evpi=545.9314,
    evppi={("p1",): 388.6628, ("p2",): 0.06255496, ("p3",): 419.6009, ("response",): 545.9314},
    evsi={"multinomial": {5: 151.049, 20: 370.9312, 100: 501.3149}},
)

# P12b: a probability. EVSI: a binomial sample of n.
P12B = Known(
    FunctionModel(lambda p: ((0.0, 4_500.0), (0.0, p["p"])), ("old", "new")),
    ParameterSet({"p": Beta(4, 16)}),
    wtp=20_000.0,
    evpi=497.0088,
    evppi={("p",): 497.0088},
    evsi={"binomial": {10: 226.2094, 50: 394.2046, 200: 465.858, 1000: 490.3857}},
)

# P12c: a rate. EVSI: a Poisson count over exposure n.
P12C = Known(
    FunctionModel(lambda p: ((0.0, 3_200.0), (0.0, p["rate"])), ("old", "new")),
    ParameterSet({"rate": Gamma(shape=9, rate=3)}),
    wtp=1_000.0,
    evpi=311.8471,
    evppi={("rate",): 311.8471},
    evsi={"poisson": {1: 123.3334, 5: 231.5145, 20: 285.7566}},
)

# P14: whatever t1 is, new is the better choice, so knowing it alone is worth nothing.
P14 = Known(
    FunctionModel(lambda p: ((0.0, -p["t1"]), (0.0, 1.0 + p["t2"] / 100)), ("old", "new")),
    ParameterSet({"t1": Uniform(-60, 60), "t2": Normal(0, 200), "t3": Normal(5, 1)}),
    wtp=100.0,
    evpi=40.61196,
    evppi={("t1",): 0.0, ("t2",): 39.55931, ("t3",): 0.0},
)

# A linear fit sees nothing here: the incremental net benefit is x squared less one; E[(x^2 - 1)+] = 2 phi(1).
PARABOLA = Known(
    FunctionModel(lambda p: ((0.0, 1.0), (0.0, p["x"] ** 2)), ("old", "new")),
    ParameterSet({"x": Normal(0, 1), "idle": Normal(3, 2)}),
    wtp=1.0,
    evpi=0.4839414,
    evppi={("x",): 0.4839414, ("idle",): 0.0},
)

KNOWN = {
    "P1": P1,
    "P1b": P1B,
    "P2": P2,
    "P2b": P2B,
    "P3": P3,
    "P4": P4,
    "P12": P12,
    "P12b": P12B,
    "P12c": P12C,
    "P14": P14,
    "parabola": PARABOLA,
}

# P13, the DARTH Sick-Sicker model, is configs/sick_sicker.yaml: EVPPI of parameters and of its groups.
P13_CONFIG = "sick_sicker"
P13_WTP = 100_000.0
P13_NET_BENEFIT = {
    "standard of care": 1_903_824.0,
    "strategy A": 1_853_242.0,
    "strategy B": 1_938_038.0,
    "strategy AB": 1_917_987.0,
}
P13_EVPI = 2803.5
P13_EVPI_STANDARD_ERROR = 1.5
P13_REWARDS = ("c_H", "c_S1", "c_S2", "c_trtA", "c_trtB", "u_H", "u_S1", "u_S2", "u_trtA")
P13_EVPPI = {
    ("costs",): 419.83,
    ("utilities",): 998.55,
    P13_REWARDS: 2152.76,
    # Net benefit is linear in costs and utilities, which are independent of the transitions: its mean given the
    # transitions is that at mean costs and utilities. So one loop suffices: 23.86 (standard error 0.11), from
    # 16 million draws of a plain NumPy cohort with NumPy's own random numbers.
    ("transitions",): 23.86,
    ("u_S1",): 832.70,
    ("c_trtA",): 358.23,
    ("c_trtB",): 60.40,
    **{(name,): 0.0 for name in ("c_H", "c_S1", "c_S2", "u_H", "u_S2")},
}
