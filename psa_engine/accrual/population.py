"""The general population: mortality and utility by age and sex, mixed as a cohort of both ages."""

import csv
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from psa_engine.errors import InputError, nearest
from psa_engine.plain_text import read_plain_text

MAX_BYTES = 2**20


@dataclass(frozen=True, eq=False)
class AgeTable:
    """A quantity by single year of age for each sex: annual probability of death, or mean utility."""

    name: str
    age: np.ndarray
    male: np.ndarray
    female: np.ndarray

    def at(self, ages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (male, female) at the completed years of `ages`; beyond the last row the last holds."""
        row = np.clip(np.floor(np.asarray(ages) + 1e-9) - self.age[0], 0, len(self.age) - 1).astype(int)
        return self.male[row], self.female[row]


def read_age_table(name: str, folder: Path | None = None) -> AgeTable:
    """Read a table shipped with the package by name, or a CSV file (age, one male and one female column).

    Lines that start with # are comments. Raises InputError where the file is missing, a column is
    missing, ages are not consecutive, or a value is not a number.
    """
    text = _text_of(name, folder)
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        rows = list(csv.reader(lines))
    except csv.Error as error:
        raise InputError(f"The table '{name}' cannot be read as CSV: {error}.") from None
    header = [h.strip().lower() for h in rows[0]] if rows else []
    columns = {sex: [i for i, h in enumerate(header) if sex in h.split("_")] for sex in ("male", "female")}
    if "age" not in header or any(len(c) != 1 for c in columns.values()):
        raise InputError(f"The table '{name}' needs the columns age, male and female; it has {header}.")
    try:
        pick = [header.index("age"), columns["male"][0], columns["female"][0]]
        values = np.array([[float(row[i]) for i in pick] for row in rows[1:]]).reshape(-1, 3)
    except (ValueError, IndexError) as error:
        raise InputError(f"The table '{name}' holds something that is not a number: {error}.") from None
    if not np.isfinite(values).all():
        raise InputError(f"The table '{name}' holds something that is not a number: nan or infinity.")
    age, male, female = values.T
    if len(age) == 0 or np.any(np.diff(age) != 1):
        raise InputError(f"The ages of the table '{name}' must be consecutive whole years.")
    return AgeTable(name, age, male, female)


def shipped_tables() -> list[str]:
    """Return the names of the tables that ship with the package."""
    return sorted(
        p.name[:-4] for p in resources.files("psa_engine.data").iterdir() if p.name.endswith(".csv")
    )


def _text_of(name: str, folder: Path | None) -> str:
    if name in shipped_tables():
        return resources.files("psa_engine.data").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    path = (folder or Path()) / name
    if path.suffix == ".csv" and path.is_file():
        return read_plain_text(path, MAX_BYTES, "Is it a table of one row a year of age?")
    raise InputError(f"There is no table '{name}'.", hint=nearest(name, shipped_tables()))


@dataclass(frozen=True, eq=False)
class Background:
    """Background mortality and utility of a cohort of both sexes along its time points.

    `survival` (n_cycles + 1,): share alive; `mortality` (n_cycles,): probability of death within each
    cycle of those alive; `utility` (n_cycles + 1,): mean norm of those alive. The sexes are mixed by
    their share among the living, which moves towards women as the cohort ages.
    """

    survival: np.ndarray
    mortality: np.ndarray
    utility: np.ndarray


def background(
    ages: np.ndarray,
    cycles_per_year: float,
    female: float,
    life_table: AgeTable | None,
    utility_norms: AgeTable | None,
) -> Background:
    """Return mortality, survival and norms at `ages` (n_cycles + 1,), deaths at a constant rate within a year."""
    share = np.array([1 - female, female])
    n_points = len(ages)
    by_sex = np.ones((2, n_points))
    if life_table is not None:
        annual = np.clip(np.stack(life_table.at(ages[:-1])), 0.0, 1.0)
        by_sex[:, 1:] = np.cumprod((1 - annual) ** (1 / cycles_per_year), axis=1)
    alive = share @ by_sex
    mortality = 1 - alive[1:] / np.where(alive[:-1] > 0, alive[:-1], 1.0)
    utility = np.ones(n_points)
    if utility_norms is not None:
        norms = np.stack(utility_norms.at(ages))
        utility = (share[:, None] * by_sex * norms).sum(0) / np.where(alive > 0, alive, 1.0)
        utility[alive == 0] = (share @ norms)[alive == 0]
    return Background(alive, mortality, utility)
