"""Damage to configurations: values of the wrong kind, keys in the wrong place, bombs, and bytes."""

import re
from random import Random

from hostile_bytes import damaged_bytes

from psa_engine.config import config_names, find_config

SMALL = """\
name: trial
title: New against old
model: two_state
settings: {n_draws: 1e3, comparator: old, wtp: [20000, 3e4]}
time: {cycles_per_year: 1, start_age: 50, horizon: {to_age: 60}, discounting: compound}
strategies:
  old: {attributes: {treated: 0, product: none}}
  new: {attributes: {treated: 1, product: pill}}
products:
  pill: {list_price: 12.5, status: verified, source: Price list 2024}
parameters:
  response: {distribution: {beta: {events: 73, n: 315}}, unit: probability, label: x, source: A 2021, status: verified}
  cost: {distribution: {gamma: {mean: 800, se: 90}}, unit: GBP per year, label: Cost, status: gap, note: None.}
  ratio: {distribution: {log_normal: {mean: 1.2, ci: [1.0, 1.44]}}, unit: number, label: x, status: gap, note: x}
  lost: {distribution: {triangular: [0, 0.1, 0.3]}, unit: utility, label: x, status: gap, note: x}
  share: {distribution: {pert: [0.1, 0.2, 0.6]}, unit: proportion, label: x, status: gap, note: x}
  score:
    {distribution: {truncated_normal: {mean: 5, sd: 2, low: 0, high: 9}}, unit: number, label: x, status: gap, note: x}
  shares:
    distribution: {dirichlet: {names: [mild, worse, worst], alpha: [6, 3, 1]}}
    unit: proportion
    label: Severity
    source: A registry 2020
    status: unverified
  both:
    distribution: {multivariate_normal: {names: [a, b], mean: [1, 2], covariance: [[1, 0.2], [0.2, 3]], scale: log}}
    unit: number
    label: Two
    status: gap
    note: x
correlation:
  care: {parameters: [response, cost], matrix: [[1, 0.4], [0.4, 1]]}
parameter_groups: {clinical: [response, worse], economic: [cost, "list_price[pill]"]}
scenarios:
  cheap: {description: Half the price, set: {"discount[pill]": 0.5, cost: {gamma: [2, 3]}}}
  short: {description: Five years, time: {horizon: {years: 5}}, only: [old, new]}
subgroups:
  severe:
    description: The worst off
    set: {shares: {dirichlet: {names: [mild, worse, worst], alpha: [1, 2, 7]}}}
    evidence: None was found.
    status: gap
studies:
  trial:
    description: A trial
    design: {two_arm_trial: {endpoint: {binary: {}}, control: response, effect: [ratio], scale: odds ratio}}
    n: [50, 100]
    cost: {fixed: 1000, per_patient: 10}
    status: gap
    note: x
decision_population: {annual_incidence: 50, horizon_years: 10, status: gap, note: x}
"""
SHIPPED = tuple(find_config(name).read_bytes() for name in config_names() if "ruxolitinib" not in name)
SEEDS = (SMALL.encode(), *SHIPPED)
VALUES = [
    *("0", "-1", "1", "2", "0.5", "1e308", "-1e308", "1e-308", "5e-324", "1e-12", "1e15", "9" * 30, "0x1f"),
    *(
        ".nan",
        ".inf",
        "-.inf",
        "null",
        "true",
        "''",
        "[]",
        "{}",
        "[0]",
        "{a: 1}",
        "[[1, 2], [3]]",
        "2020-01-01",
    ),
    *(
        "'../../x'",
        "/etc/passwd",
        "'x.py'",
        "../x.csv",
        '"\\e[2J"',
        '"\\ud800"',
        "<script>",
        "'=1+1'",
        "💥",
        "-",
    ),
    *("!!python/object/apply:os.system ['touch x']", "&a [1]", "*a", "{<<: *a}", "!x", "|", "? a", "'[/b]'"),
    *(
        "{beta: [1, 1]}",
        "{gamma: {mean: 1, se: 1e-12}}",
        "{normal: [0, 1e300]}",
        "{fixed: 1}",
        "{uniform: [0, 0]}",
    ),
    *("{log_normal: {mean: 1, se: 1e9}}", "{empirical: {csv: x.csv}}", "{dirichlet: [[a], [1]]}", "{beta: }"),
]
_SCALAR = re.compile(r"(?<=[:\[,\-] )[^\s,\[\]{}:#][^,\[\]{}:#\n]*")
_KEY = re.compile(r"\b[A-Za-z_][\w ]*(?=:)")


def damaged(data: bytes, random: Random) -> bytes:
    """Return a configuration with one to four faults in it, most of them ones that YAML lets through."""
    if random.random() < 0.15:
        return damaged_bytes(data, random)
    text = data.decode("utf-8", "replace")
    for _ in range(random.randint(1, 4)):
        text = random.choice(_FAULTS)(text, random)
    return text.encode("utf-8", "surrogatepass")


def _value(text: str, random: Random) -> str:
    return _replaced(text, _SCALAR, random.choice(VALUES), random)


def _key(text: str, random: Random) -> str:
    keys = _KEY.findall(text) or ["a"]
    return _replaced(text, _KEY, random.choice([*keys, "", "a", "<<", "'0'", "[a]", "x" * 300]), random)


def _other_value(text: str, random: Random) -> str:
    return _replaced(text, _SCALAR, random.choice(_SCALAR.findall(text) or ["0"]), random)


def _replaced(text: str, pattern: re.Pattern, new: str, random: Random) -> str:
    found = list(pattern.finditer(text))
    if not found:
        return text + new
    match = random.choice(found)
    return text[: match.start()] + new + text[match.end() :]


def _lines(text: str, random: Random) -> str:
    """A line is dropped, given twice, moved, or shifted."""
    lines = text.split("\n")
    i, j = random.randrange(len(lines)), random.randrange(len(lines))
    how = random.randrange(4)
    if how == 0:
        del lines[i]
    elif how == 1:
        lines.insert(j, lines[i])
    elif how == 2:
        lines[i], lines[j] = lines[j], lines[i]
    else:
        lines[i] = random.choice(["  " + lines[i], lines[i][1:], lines[i].lstrip(), "\t" + lines[i]])
    return "\n".join(lines)


def _bomb(text: str, random: Random) -> str:
    n = random.choice([3, 40, 2000])
    aliases = "\n".join(
        f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9) if i else '1'}]" for i in range(min(n, 12))
    )
    bombs = ["a: " + "[" * n, "a: " + "{a: " * n, "- " * n, aliases, "a: [" + "1, " * n + "]", "? " * n]
    return random.choice([text + "\n" + random.choice(bombs), random.choice(bombs) + "\n" + text])


def _spliced(text: str, random: Random) -> str:
    """The end of another configuration follows the start of this one."""
    other = random.choice(SEEDS).decode()
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other)) :]


_FAULTS = (
    _value,
    _value,
    _value,
    _value,
    _key,
    _key,
    _other_value,
    _other_value,
    _lines,
    _lines,
    _bomb,
    _spliced,
)
