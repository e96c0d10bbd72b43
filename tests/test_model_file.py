"""A model in a Python file named in YAML: run where it was allowed, and only there."""

import inspect
from pathlib import Path

import pytest
from command_line import psa_engine

from psa_engine.cli.app import app
from psa_engine.config import check_config, find_config, load_analysis
from psa_engine.engine import base_case
from psa_engine.errors import InputError
from psa_engine.models import two_state

YAML = find_config("two_state").read_text(encoding="utf-8").replace("model: two_state", "model: mine.py")
LINE = 1 + YAML.splitlines().index("model: mine.py")
MODEL = Path(two_state.__file__).read_text(encoding="utf-8")


@pytest.fixture
def mine(tmp_path):
    """A configuration whose model is the two-state model in a file beside it."""
    (tmp_path / "mine.py").write_text(MODEL, encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(YAML, encoding="utf-8")
    return tmp_path / "mine.yaml"


def refusal(path):
    with pytest.raises(InputError) as caught:
        load_analysis(path, allow_model_file=True)
    return str(caught.value)


def costs(analysis):
    return base_case(analysis.model, analysis.parameters).cost_values.tolist()


def test_a_model_file_gives_what_the_registered_model_gives(mine):
    assert costs(load_analysis(mine, allow_model_file=True)) == costs(load_analysis("two_state"))


def test_a_model_file_runs_nothing_unless_allowed(mine, tmp_path):
    mark = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    (tmp_path / "mine.py").write_text(mark + MODEL, encoding="utf-8")
    for load in (load_analysis, check_config):
        with pytest.raises(
            InputError, match=rf"model: The model is the Python file 'mine\.py'.*line {LINE}.*trust"
        ):
            load(mine)
    assert not (tmp_path / "ran").exists()
    load_analysis(mine, allow_model_file=True)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("command", ["run", "check", "evppi", "evsi"])
def test_a_command_refuses_a_model_file_and_names_the_option(mine, command):
    done = psa_engine(command, mine)
    assert done.code == 2 and "--allow-model-file" in done.err and done.err.count("\n") == 1


def test_a_command_runs_an_allowed_model_file(mine):
    assert "two_state is valid" in psa_engine("check", mine, "--allow-model-file").out


def test_every_command_on_a_configuration_can_allow_its_model_file():
    given = {c.callback.__name__: inspect.signature(c.callback).parameters for c in app.registered_commands}
    assert [name for name, p in given.items() if "config" in p and "allow_model_file" not in p] == []


def test_the_hash_covers_the_bytes_of_the_model_file(mine, tmp_path):
    before = load_analysis(mine, allow_model_file=True).config_hash
    (tmp_path / "mine.py").write_text(MODEL + "\n# another byte\n", encoding="utf-8")
    assert load_analysis(mine, allow_model_file=True).config_hash != before


def test_a_changed_model_file_is_read_again(mine, tmp_path):
    before = costs(load_analysis(mine, allow_model_file=True))
    (tmp_path / "mine.py").write_text(MODEL.replace('p["cost_alive"]', '2 * p["cost_alive"]'))
    assert costs(load_analysis(mine, allow_model_file=True)) != before


def test_a_scenario_runs_the_functions_compiled_for_the_base_case(mine):
    base = load_analysis(mine, allow_model_file=True)
    assert base.with_scenario("half_price").model.transitions is base.model.transitions


def test_an_overlay_needs_no_second_leave(mine):
    halved = load_analysis(mine, allow_model_file=True).with_scenario("half_price")
    assert costs(halved) == costs(load_analysis("two_state").with_scenario("half_price"))


def test_the_functions_of_a_model_file_travel_by_value(mine):
    cloudpickle = pytest.importorskip("cloudpickle")
    model = load_analysis(mine, allow_model_file=True).model
    assert b"mortality_rate" in cloudpickle.dumps(model.transitions)


def test_a_dataclass_with_postponed_annotations_can_stand_in_a_model_file(mine, tmp_path):
    lines = ["from __future__ import annotations", "from dataclasses import dataclass", MODEL]
    (tmp_path / "mine.py").write_text("\n".join([*lines, "@dataclass", "class Shape:", "    scale: float"]))
    assert load_analysis(mine, allow_model_file=True).name == "two_state"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def build(:\n", "mine.py failed at line 1: SyntaxError: invalid syntax"),
        ("\n\nimport no_such_package\n", "mine.py failed at line 3: ModuleNotFoundError: No module"),
        ("def build(timeline, strategies):\n    return tmeline\n", "at line 2: NameError: name 'tmeline'"),
        ("def build(timeline):\n    return None\n", "TypeError: build() takes 1 positional argument but 2"),
        ("build = 5\n", "has no function build(timeline, strategies)"),
        ("raise SystemExit(0)\n", "mine.py failed at line 1: SystemExit: 0"),
        ("a = '\0'\n", "mine.py failed"),
        ("name = 'caf\xe9'\n", "mine.py failed"),
        ("def build(timeline, strategies):\n    return 5\n", "returned 5"),
    ],
)
def test_a_model_file_that_fails_is_refused_with_its_line(mine, tmp_path, code, words):
    (tmp_path / "mine.py").write_bytes(code.encode("latin-1"))
    message = refusal(mine)
    assert message.startswith("model: ") and words in message


def test_a_model_file_that_is_not_there_is_named(mine, tmp_path):
    (tmp_path / "mine.py").unlink()
    assert f"There is no model file 'mine.py' (mine.yaml, line {LINE})" in refusal(mine)


def test_a_model_file_is_found_beside_the_configuration_from_any_folder(mine, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_analysis(Path("..") / "mine.yaml", allow_model_file=True).name == "two_state"


FAULTS = {
    'p["cost_alive"]': ("no_such_name", "in payoffs()", "NameError: name 'no_such_name' is not defined"),
    'p["mortality_rate"]': (
        "(1 if p['hazard_ratio'] > 1 else 2)",
        "in transitions()",
        "jnp.where(condition, a, b)",
    ),
    'p["utility_alive"]': ("1 / 0", "in payoffs()", "ZeroDivisionError: division by zero"),
}


@pytest.fixture(params=FAULTS)
def failing(request, mine, tmp_path):
    """A configuration whose model file fails when the model runs; the line where, and what is said of it."""
    new, *words = FAULTS[request.param]
    text = MODEL.replace(request.param, new)
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    line = 1 + next(i for i, line in enumerate(text.splitlines()) if new in line)
    return mine, [f"The model mine.py failed at line {line}, ", *words]


def test_an_exception_in_a_model_is_one_line_that_says_where(failing, tmp_path):
    config, words = failing
    for command in (("check", config), ("run", config, "--draws", 100, "--out", tmp_path / "out")):
        done = psa_engine(*command, "--allow-model-file")
        assert done.code == 3 and done.err.count("\n") == 1 and all(w in done.err for w in words), done.err


def test_the_whole_traceback_is_shown_where_it_is_wanted(failing, monkeypatch):
    monkeypatch.setenv("PSA_ENGINE_DEBUG", "1")
    with pytest.raises((NameError, ZeroDivisionError, TypeError)):
        psa_engine("check", failing[0], "--allow-model-file")


def test_an_exception_elsewhere_is_not_blamed_on_the_model(mine, monkeypatch):
    monkeypatch.setattr("psa_engine.summary.base_case_rows", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        psa_engine("check", mine, "--allow-model-file")
