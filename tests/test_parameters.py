"""Parameters: joint distributions, correlation, values held, and what cannot be."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from assertions import assert_mean, assert_within_mc_error

import psa_engine as pe
from psa_engine.errors import InputError
from psa_engine.parameters import conditional, members, normal_scores, score_inputs

N = 50_000


def scores(parameters, seed=3):
    names = parameters.structure.scores
    return normal_scores(
        "random", score_inputs("random", seed, names, N), jnp.arange(N, dtype=jnp.uint32), float
    )


@lru_cache
def compiled(structure):
    return jax.jit(structure.draw)


def values(parameters, z=None):
    """Parameter name -> (n_draws,) at scores z (n_scores, n_draws), random ones unless given."""
    draw = compiled(parameters.structure)
    z = scores(parameters) if z is None else z
    return {name: np.asarray(value) for name, value in draw(parameters.inputs(), z).items()}


def mixed(**more):
    entries = {
        "risk": pe.Beta(4, 16),
        "cost": pe.Gamma(mean=1200.0, se=200.0),
        "theta": pe.MultivariateNormal(
            names=("theta_1", "theta_2"), mean=[1.0, 0.5], covariance=[[1.0, 1.0], [1.0, 4.0]]
        ),
        "mix": pe.Dirichlet(names=("mild", "worse", "worst"), alpha=[6, 3, 1]),
        "rows": pe.Empirical(names=("u", "v"), rows=[[0.1, 7.0], [0.2, 5.0], [0.4, 4.0]]),
        "share": pe.Uniform(2, 5),
        "width": pe.Triangular(0, 1, 4),
        "price": 12.5,
    }
    return pe.ParameterSet({**entries, **more}, correlation={("risk", "cost"): 0.5, ("share", "risk"): -0.3})


@pytest.fixture(scope="module")
def base():
    return values(mixed())


@pytest.mark.parametrize("rho", [0.6, -0.8])
def test_correlated_uniforms_have_the_product_of_a_gaussian_copula(rho):
    parameters = pe.ParameterSet(
        {"a": pe.Uniform(0, 1), "b": pe.Uniform(0, 1)}, correlation={("a", "b"): rho}
    )
    drawn = values(parameters)
    assert_mean(drawn["a"] * drawn["b"], 0.25 + np.arcsin(rho / 2) / (2 * np.pi))


def test_correlated_lognormals_have_the_product_of_their_closed_form():
    parameters = pe.ParameterSet(
        {"a": pe.LogNormal(0.2, 0.5), "b": pe.LogNormal(-1, 0.3)}, correlation={("b", "a"): 0.7}
    )
    drawn = values(parameters)
    assert_mean(drawn["a"] * drawn["b"], np.exp(-0.8 + (0.25 + 0.09 + 2 * 0.7 * 0.15) / 2))


@pytest.mark.parametrize(
    ("a", "b", "product"), [("x", "y", 0.9), ("x", "w", -0.2), ("y", "w", 0.1), ("x", "v", 0)]
)
def test_a_named_block_gives_each_pair_its_correlation(a, b, product):
    matrix = [[1, -0.2, 0.9], [-0.2, 1, 0.1], [0.9, 0.1, 1]]
    entries = {name: pe.Normal(0, 1) for name in "vwxy"}
    drawn = values(pe.ParameterSet(entries, correlation={"block": (["x", "w", "y"], matrix)}))
    assert_mean(drawn[a] * drawn[b], product)


def test_correlation_leaves_the_marginals_alone(base):
    assert_mean(base["risk"], 0.2)
    assert_mean(base["cost"], 1200)
    assert_mean((base["cost"] - 1200) ** 2, 200**2)


def test_pairs_that_share_a_parameter_form_one_block():
    assert [block.parameters for block in mixed().blocks] == [
        ("theta_1", "theta_2"),
        ("risk", "cost", "share"),
    ]


def test_a_multivariate_normal_has_its_mean_and_covariance(base):
    one, two = base["theta_1"] - 1.0, base["theta_2"] - 0.5
    for product, truth in ((one, 0), (two, 0), (one * one, 1), (one * two, 1), (two * two, 4)):
        assert_mean(product, truth)


@pytest.mark.parametrize(("scale", "link"), [("log", np.log), ("logit", lambda x: np.log(x / (1 - x)))])
def test_a_multivariate_normal_of_logs_or_logits_has_them_normal(scale, link):
    covariance = [[0.04, -0.03], [-0.03, 0.25]]
    joint = pe.MultivariateNormal(names=("a", "b"), mean=[-1, 0.5], covariance=covariance, scale=scale)
    drawn = values(pe.ParameterSet({"joint": joint}))
    a, b = link(drawn["a"]) + 1, link(drawn["b"]) - 0.5
    for product, truth in ((a, 0), (b, 0), (a * a, 0.04), (a * b, -0.03), (b * b, 0.25)):
        assert_mean(product, truth)


def test_dirichlet_shares_sum_to_one(base):
    assert base["mild"] + base["worse"] + base["worst"] == pytest.approx(np.ones(N), abs=1e-15)


def test_dirichlet_shares_have_their_moments(base):
    shares = np.array([base[name] for name in ("mild", "worse", "worst")])
    mean = np.array([0.6, 0.3, 0.1])
    covariance = (np.diag(mean) - np.outer(mean, mean)) / 11
    for i in range(3):
        for j in range(3):
            assert_mean((shares[i] - mean[i]) * (shares[j] - mean[j]), covariance[i, j])


def test_empirical_rows_are_drawn_whole(base):
    rows, counts = np.unique([base["u"], base["v"]], axis=1, return_counts=True)
    assert rows.T.tolist() == [[0.1, 7.0], [0.2, 5.0], [0.4, 4.0]]
    assert_within_mc_error(counts / N, 1 / 3, np.sqrt(2 / 9 / N))


@pytest.mark.parametrize("z", [-8.29, 8.29])
def test_the_most_extreme_score_still_reads_a_row(z):
    rows = pe.Empirical(names=("u",), rows=[[1.0], [2.0], [3.0]])
    assert values(pe.ParameterSet({"rows": rows}), np.array([[z]]))["u"] == (1.0 if z < 0 else 3.0)


def test_draws_are_those_of_the_numpy_quantiles():
    parameters = mixed()
    z = np.asarray(scores(parameters))
    drawn = values(parameters, z)
    factor = np.linalg.cholesky([[1, 0.5, -0.3], [0.5, 1, 0], [-0.3, 0, 1]])
    risk, cost, share = factor @ z[[parameters.structure.scores.index(n) for n in ("risk", "cost", "share")]]
    for name, score in (("risk", risk), ("cost", cost), ("share", share)):
        assert drawn[name] == pytest.approx(parameters.entries[name].quantile(score), rel=1e-9)


@pytest.mark.parametrize("name", ["risk", "cost", "theta_1", "share", "width", "price"])
def test_holding_one_parameter_moves_no_other(base, name):
    held = values(mixed().replace({name: 0.25}))
    assert np.all(held[name] == 0.25)
    assert all(np.array_equal(held[other], base[other]) for other in base if other != name)


@pytest.mark.parametrize("name", ["risk", "theta_2", "share", "width"])
def test_holding_a_parameter_compiles_nothing_anew(name):
    assert mixed().replace({name: 0.25}).structure == mixed().structure


def test_another_distribution_moves_no_other_parameter(base):
    changed = values(mixed().replace({"risk": pe.Uniform(0, 1)}))
    assert_mean(changed["risk"], 0.5)
    assert all(np.array_equal(changed[other], base[other]) for other in base if other != "risk")


def test_a_held_parameter_given_a_distribution_varies_again(base):
    back = values(mixed().replace({"cost": 3.0}).replace({"cost": pe.Gamma(mean=1200.0, se=200.0)}))
    assert np.array_equal(back["cost"], base["cost"])


def test_the_base_case_is_every_mean_or_where_it_is_held():
    means = mixed().replace({"theta_1": 9.0}).means()
    single = {"risk": 0.2, "cost": 1200, "share": 3.5, "width": 5 / 3, "price": 12.5}
    joint = {"theta_1": 9, "theta_2": 0.5, "mild": 0.6, "worse": 0.3, "worst": 0.1, "u": 0.7 / 3, "v": 16 / 3}
    assert means == pytest.approx(single | joint)


def test_parameters_held_or_fixed_are_not_uncertain():
    left = mixed().replace({"cost": 1.0}).uncertain
    assert set(mixed().names) - set(left) == {"cost", "price"}


@pytest.mark.parametrize("number", [2, 2.5, np.float32(2.5), np.int64(2)])
def test_a_plain_number_is_a_fixed_parameter(number):
    assert pe.ParameterSet({"price": number}).means() == {"price": float(number)}


def test_parameters_of_interest_depend_on_their_own_scores_only():
    arranged, rows = conditional(mixed(), ["cost", "worst"])
    z = np.array(scores(arranged))
    others = [i for i in range(len(z)) if i not in rows]
    z[list(rows)] = z[list(rows), :1]
    drawn = values(arranged, z)
    assert np.ptp(drawn["cost"]) == np.ptp(drawn["worst"]) == 0
    assert others and min(np.ptp(drawn[name]) for name in ("risk", "share", "mild", "theta_1")) > 0


@pytest.mark.parametrize("name", ["risk", "cost", "mild", "worst"])
def test_drawing_some_parameters_first_changes_no_distribution(name):
    arranged, _ = conditional(mixed(), ["cost", "worst"])
    drawn, known = values(arranged), mixed()
    assert_mean(drawn[name], known.means()[name])
    assert_mean((drawn["cost"] / 1200 - 1) * (drawn["worst"] - 0.1), 0)


def test_a_group_stands_for_its_members():
    parameters = pe.ParameterSet(dict.fromkeys("abc", pe.Normal(0, 1)), groups={"late": ["c", "b"]})
    assert members(parameters, ["late", "a", "b"]) == ("c", "b", "a")


@pytest.mark.parametrize(
    ("of", "message"),
    [((), "at least one"), (("mold",), "no parameter or group 'mold'. Did you mean 'mild'")],
)
def test_parameters_of_interest_must_exist(of, message):
    with pytest.raises(InputError, match=message):
        members(mixed(), of)


def test_rows_kept_jointly_cannot_be_split():
    with pytest.raises(InputError, match="'u' belongs to rows that are kept jointly, with 'v'"):
        conditional(mixed(), ["u"])


A_AND_B = {"a": pe.Normal(0, 1), "b": pe.Normal(0, 1), "c": pe.Normal(0, 1), "known": 1.0}


@pytest.mark.parametrize(
    ("correlation", "message"),
    [
        ({("a", "z"): 0.5}, "correlation block 'a, z' names 'z'"),
        ({("a", "known"): 0.5}, "names 'known', which is not an uncertain parameter"),
        ({("a", "a"): 0.5}, "must name two different parameters"),
        ({("a", "b"): 1.0}, "correlation of the block 'a, b' is not between -1 and 1"),
        ({("a", "b"): 0.5, ("b", "a"): -0.3}, "'a' and 'b' is given twice"),
        (
            {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9},
            "'a, b, c' is not positive definite.*contradict",
        ),
        (
            {"pair": (["a", "b"], [[1, 0.2], [0.3, 1]])},
            "matrix of the correlation block 'pair' must be symmetric",
        ),
        ({"pair": (["a", "b"], [[1, 0.2]])}, r"'pair' has 2 parameters and a matrix of shape \(1, 2\)"),
        ({"pair": (["a", "b"], [[1, float("nan")], [float("nan"), 1]])}, "must be symmetric"),
        ({"one": (["a", "b"], [[1, 0.2], [0.2, 1]]), ("b", "c"): 0.1}, "'b' is in the correlation blocks"),
    ],
)
def test_a_correlation_that_cannot_be_is_refused_naming_its_block(correlation, message):
    with pytest.raises(InputError, match=message):
        pe.ParameterSet(A_AND_B, correlation=correlation)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"a": pe.Normal(0, 1), "joint": pe.Dirichlet(names=("a", "b"), alpha=[1, 2])},
            "Two parameters have the name 'a'",
        ),
        ({"a": "0.3"}, "'a' is '0.3', which is neither a number nor a distribution"),
        ({"a": None}, "'a' is None, which is neither a number nor a distribution"),
        ({"a": float("nan")}, "must be finite, got nan"),
    ],
)
def test_parameters_that_cannot_be_are_refused(entries, message):
    with pytest.raises(InputError, match=message):
        pe.ParameterSet(entries)


def test_a_group_of_an_unknown_parameter_is_refused():
    with pytest.raises(InputError, match=r"group 'costs' names 'prise'. Did you mean 'price'"):
        pe.ParameterSet({"price": 1.0}, groups={"costs": ["prise"]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rusk": 0.1}, "no parameter 'rusk'. Did you mean 'risk'"),
        ({"worse": 0.1}, "'worse' is drawn jointly as part of 'mix'. Replace 'mix' whole"),
        ({"u": 0.1}, "'u' is drawn jointly as part of 'rows'"),
        ({"theta_1": pe.Beta(1, 2)}, "'theta_1' is drawn jointly as part of 'theta'"),
        ({"mix": 0.3}, "'mix' can only be replaced by something that gives mild, worse, worst"),
        ({"risk": "a third"}, "'risk' is 'a third', which is neither a number nor a distribution"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        mixed().replace(change)
