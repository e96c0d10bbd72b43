"""The YAML form of a distribution, and what importing the package costs."""

import subprocess
import sys

import numpy as np
import pytest

from psa_engine.distributions import (
    PERT,
    Beta,
    Dirichlet,
    Empirical,
    Fixed,
    Gamma,
    LogitNormal,
    LogNormal,
    MultivariateNormal,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
    parse,
)
from psa_engine.errors import InputError

EQUAL = [
    (3, Fixed(3)),
    ({"fixed": 3}, Fixed(3)),
    ({"fixed": {"value": 3}}, Fixed(3)),
    ({"normal": [0, 2]}, Normal(0, 2)),
    ({"normal": {"odds_ratio": 2, "ci": [1, 4]}}, Normal(odds_ratio=2, ci=(1, 4))),
    ({"truncated_normal": {"mean": 1, "sd": 2, "high": 3}}, TruncatedNormal(1, 2, high=3)),
    ({"log_normal": {"hazard_ratio": 0.6, "ci": [0.4, 0.9]}}, LogNormal(hazard_ratio=0.6, ci=(0.4, 0.9))),
    ({"beta": {"events": 73, "n": 315}}, Beta(73, 242)),
    ({"gamma": {"mean": 3, "se": 1}}, Gamma(mean=3, se=1)),
    ({"uniform": [1, 4]}, Uniform(1, 4)),
    ({"triangular": {"low": 1, "mode": 2, "high": 4}}, Triangular(1, 2, 4)),
    ({"pert": [1, 2, 4]}, PERT(1, 2, 4)),
    ({"logit_normal": [-1, 0.5]}, LogitNormal(-1, 0.5)),
]


@pytest.mark.parametrize(("mapping", "expected"), EQUAL)
def test_a_univariate_mapping_is_the_constructor_call(mapping, expected):
    assert parse(mapping) == expected


def test_a_dirichlet_mapping_is_read():
    d = parse({"dirichlet": {"names": ["a", "b", "c"], "alpha": [6, 3, 1]}})
    assert isinstance(d, Dirichlet) and d.names == ("a", "b", "c") and d.alpha == (6, 3, 1)


def test_a_multivariate_normal_mapping_is_read():
    table = {
        "names": ["a", "b"],
        "mean": [1, 2],
        "sd": [1, 3],
        "correlation": [[1, 0.5], [0.5, 1]],
        "scale": "log",
    }
    d = parse({"multivariate_normal": table})
    assert isinstance(d, MultivariateNormal) and d.scale == ("log", "log")
    np.testing.assert_allclose(d.covariance, [[1, 1.5], [1.5, 9]])


def test_empirical_rows_are_read_in_line_or_from_a_file_beside_the_configuration(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
    inline = parse({"empirical": {"names": ["a", "b"], "rows": [[1, 2], [3, 4]]}})
    beside = parse({"empirical": {"csv": "rows.csv", "names": ["b"]}}, folder=tmp_path)
    assert isinstance(inline, Empirical) and isinstance(beside, Empirical)
    assert inline.rows[:, 1:].tolist() == beside.rows.tolist()


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"lognormal": [0, 1]}, "'lognormal' is not a distribution. Did you mean 'log_normal'?"),
        (
            {"beta": {"event": 3, "n": 9}},
            "beta: 'event' is not one of its parameters. Did you mean 'events'?",
        ),
        ({"beta": [1, 2, 3]}, "beta: too many positional arguments"),
        ({"pert": [1, 2]}, "missing a required argument: 'high'"),
        ({"beta": {"mean": 0.3, "se": 0.6}}, "Beta(mean=0.3, se=0.6): se must be below"),
        ({"beta": [1, 2], "gamma": [1, 2]}, "A distribution is one name with its parameters"),
        ("beta(1, 2)", "A distribution is one name with its parameters"),
        (True, "A distribution is one name with its parameters"),
        ({"normal": {"mean": "1e5", "se": 2}}, "mean must be a number, got '1e5' (str)"),
        ({"empirical": {"csv": "x.csv", "rows": []}}, "with csv only names may be given, got rows"),
    ],
)
def test_a_mistake_is_answered_with_the_name_and_the_remedy(mapping, message):
    with pytest.raises(InputError) as refusal:
        parse(mapping)
    assert message in str(refusal.value)


def test_importing_the_package_leaves_heavy_libraries_alone():
    heavy = "{'jax', 'pandas', 'scipy.stats', 'scipy.special'}"
    code = f"import sys, psa_engine.distributions; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
