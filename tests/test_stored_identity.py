"""What tells one stored run from another: every file, source and package that its numbers come from."""

import sys

import pytest

import psa_engine as pe
from psa_engine.cli import stored
from psa_engine.config import registry

ROWS = "earlier_rate,earlier_cost\n800,900\n700,1300\n600,1100\n"


@pytest.fixture
def configuration(tmp_path):
    """A configuration whose rows of an earlier analysis are in a file outside its folder, by an odd name."""
    (tmp_path / "rows.txt").write_text(ROWS)
    text = pe.load_analysis("two_state").text
    document = text.replace("parameters:\n", "parameters:\n" + EMPIRICAL)
    path = tmp_path / "configuration" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(document)
    return path


EMPIRICAL = """  earlier:
    distribution: {empirical: {csv: ../rows.txt, names: [earlier_rate, earlier_cost]}}
    unit: GBP per year
    label: Rows of an earlier analysis
    source: Earlier 2020
    status: assumption
"""


def identity(path):
    return stored.identity_of(pe.load_analysis(path), "cpu")


def test_rows_outside_the_folder_of_a_configuration_are_part_of_it(configuration, tmp_path):
    before = identity(configuration), pe.load_analysis(configuration).config_hash
    (tmp_path / "rows.txt").write_text(ROWS.replace("900", "950"))
    after = identity(configuration), pe.load_analysis(configuration).config_hash
    assert before[0] != after[0] and before[1] != after[1]


def test_another_source_of_the_same_version_is_another_run(monkeypatch):
    before = identity("two_state")
    monkeypatch.setattr(stored, "source_digest", lambda: "of a later commit")
    assert identity("two_state") != before


@pytest.mark.parametrize("kind", ["__init__.py", "not even one.txt"])
def test_any_file_of_a_package_that_registers_a_model_tells_its_runs_apart(tmp_path, monkeypatch, kind):
    package = tmp_path / "skin_models"
    package.mkdir()
    (package / kind).write_text("")
    (package / "rates.py").write_text("RELAPSE = 0.2\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_registered", lambda: {"eczema": "skin_models.model:build"})
    monkeypatch.delitem(sys.modules, "skin_models", raising=False)
    before = registry.registered_source("eczema")
    (package / "rates.py").write_text("RELAPSE = 0.3\n")
    assert registry.registered_source("eczema").keys() == {"skin_models"}
    assert registry.registered_source("eczema") != before
