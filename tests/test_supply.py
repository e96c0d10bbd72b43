"""What the package is built on is named, bounded and pinned; its papers agree on version and licence."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import psa_engine
from psa_engine.config import read_text

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LINES = [
    line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
]
PINS = [Requirement(line) for line in LINES if line]
PINNED = {canonicalize_name(pin.name) for pin in PINS}
WANTED = [
    Requirement(text) for text in [*PROJECT["dependencies"], *(r for extra in EXTRAS.values() for r in extra)]
]
# They bring a driver's libraries, chosen by pip for the machine.
UNPINNED_EXTRAS = {"cuda12", "cuda13"}


def needed(requirement: Requirement, seen: set[str]) -> set[str]:
    """The names of a requirement and all that it needs, as far as it is installed here."""
    name = canonicalize_name(requirement.name)
    extras = requirement.extras or {""}
    if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
        return seen
    if name in seen:
        return seen
    seen.add(name)
    try:
        requires = distribution(name).requires or []
    except PackageNotFoundError:
        return seen
    for text in requires:
        other = Requirement(text)
        if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in extras):
            needed(Requirement(re.split(";", text)[0]), seen)
    return seen


@pytest.mark.parametrize("requirement", WANTED, ids=str)
def test_every_dependency_has_a_lower_bound(requirement):
    assert any(s.operator in (">=", "==", "~=") for s in requirement.specifier)


@pytest.mark.parametrize("extra", [None, *sorted(set(EXTRAS) - UNPINNED_EXTRAS)])
def test_everything_that_is_installed_is_pinned(extra):
    wanted = PROJECT["dependencies"] if extra is None else EXTRAS[extra]
    names = set().union(*(needed(Requirement(text), set()) for text in wanted))
    assert sorted(names - PINNED) == []


def test_pins_are_exact_versions_without_addresses():
    for pin in PINS:
        assert pin.url is None and [s.operator for s in pin.specifier] == ["=="], pin
    assert not any(re.search(r"://|--|@", line) for line in LINES)


@pytest.mark.parametrize("requirement", WANTED, ids=str)
def test_pins_lie_within_the_bounds(requirement):
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(requirement.name)]
    assert all(requirement.specifier.contains(str(pin.specifier)[2:]) for pin in pins)


def test_the_papers_agree_on_the_version():
    citation = read_text((ROOT / "CITATION.cff").read_text(encoding="utf-8")).content
    changes = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert PROJECT["version"] == psa_engine.__version__ == citation["version"] == changes[0]
    assert [Version(v) for v in changes] == sorted(map(Version, changes), reverse=True)


def test_the_papers_agree_on_the_licence():
    citation = read_text((ROOT / "CITATION.cff").read_text(encoding="utf-8")).content
    assert PROJECT["license"] == citation["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


WORKFLOW = read_text((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")).content
STEPS = [(name, job, step) for name, job in WORKFLOW["jobs"].items() for step in job["steps"]]


def test_the_workflow_tries_every_python_that_the_package_names():
    named = {c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", c)}
    assert set(WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"]) == named


def test_every_step_of_the_workflow_runs_something_or_uses_a_version_of_an_action():
    for name, job, step in STEPS:
        assert ("run" in step) != ("uses" in step), (name, step)
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1")), step
        assert re.fullmatch(r"(ubuntu|windows)-latest", job["runs-on"]), name


def test_what_the_workflow_runs_is_there():
    targets = set(re.findall(r"^([\w/]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for _, _, step in STEPS:
        words = step.get("run", "").split()
        assert set(words[1:]) <= targets or words[0] != "make", step
        assert words[:1] != ["bash"] or (ROOT / words[1]).is_file(), step


def test_what_the_workflow_takes_from_its_matrix_is_in_it():
    for _, job, step in STEPS:
        taken = re.findall(r"matrix\.(\w+)", f"{step}")
        assert set(taken) <= set(job.get("strategy", {}).get("matrix", {})), step


def test_the_workflow_may_read_and_write_nothing():
    assert WORKFLOW["permissions"] == {"contents": "read"}
