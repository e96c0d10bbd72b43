"""An unfinished run from elsewhere: what its folder says is checked, and nothing outside it is touched unasked."""

import io
import pickle
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from command_line import psa_engine
from stored_runs import RUN

from psa_engine.errors import InputError
from psa_engine.store import Manifest, Store, read_manifest
from psa_engine.store.arrays import unpacked


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The result folder of a run with all its blocks and a manifest."""
    folder = tmp_path_factory.mktemp("made")
    assert psa_engine(*RUN, "--out", folder).code == 0
    return folder


@pytest.fixture
def rewritten(made):
    """Have the manifest of a run say something else, with a checksum that is right; and as it was at the end."""
    whole = read_manifest(made / "blocks")

    def say(request=None, **more):
        held = replace(whole, **more)
        replace(held, request={**held.request, **(request or {})}).write(made / "blocks")
        return made

    yield say
    whole.write(made / "blocks")


def assert_refused(done, *words):
    assert done.code == 2 and done.err.count("\n") == 1, done.err
    assert all(w in done.err for w in words), done.err


@pytest.mark.parametrize("command", ["resume", "replay"])
@pytest.mark.parametrize(
    "request_",
    [
        {"config": "../../secret.yaml"},
        {"config": "/etc/passwd"},
        {"config": ["x"]},
        {"config": None},
        {"settings": [1]},
        {"assignments": 5},
        {"excel": 5},
        {"force": "perhaps"},
    ],
)
def test_a_request_that_no_command_makes_is_refused(rewritten, command, request_):
    draw = ("--draw", 3) if command == "replay" else ()
    assert_refused(psa_engine(command, rewritten(request_), *draw), "asks for what no command asks for")


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("evppi", None, "asks for what no command asks for"),
        ("evppi", {"of": 5, "method": "nested", "rtol": 0.1}, "of"),
        ("evsi", {"study": None, "n": ["x"], "method": "auto"}, "n.0"),
        ("sweep", {"over": []}, "The points of a sweep lie in a folder FILE.unfinished"),
        ("format", {}, "which cannot be gone on with"),
    ],
)
def test_another_command_is_not_gone_on_with(rewritten, command, options, words):
    assert_refused(psa_engine("resume", rewritten({"options": options}, command=command)), words)


@pytest.mark.parametrize("settings", [{"self": 1}, {"n_draws": -5}, {"seed": "x"}, {"odd": {}}])
def test_settings_are_checked_as_those_of_a_command_line_are(rewritten, settings):
    assert_refused(psa_engine("resume", rewritten({"settings": settings})), "settings")


@pytest.mark.parametrize(
    "name", ["../../../up.py", "/etc/passwd", "configuration/../../x", "\0", "missing.csv"]
)
def test_a_companion_outside_the_folder_is_not_looked_at(rewritten, monkeypatch, name):
    folder = rewritten(companions={name: sha256(b"").hexdigest()})
    monkeypatch.setattr("psa_engine.cli.run.requested", lambda *a: pytest.fail("it was read"))
    assert_refused(psa_engine("resume", folder), "What is to be run is damaged")


@pytest.mark.parametrize("command", ["run", "evppi"])
def test_a_cluster_is_not_gone_on_with_unless_it_is_named_again(rewritten, monkeypatch, command):
    monkeypatch.setattr("psa_engine.cluster.connect.connected", lambda *a: pytest.fail("it connected"))
    options = {"of": [], "method": "nested", "rtol": 0.1}
    done = psa_engine(
        "resume", rewritten({"cluster": "tcp://192.0.2.1:8786", "options": options}, command=command)
    )
    assert_refused(done, "tcp://192.0.2.1:8786", "--cluster")


@pytest.mark.parametrize("place", [{"excel": "/elsewhere/x.xlsx"}, {"sample_to": "s3://bucket/x"}])
def test_nothing_is_written_elsewhere_unless_it_is_asked_for_again(rewritten, place):
    (option, where) = next(iter(place.items()))
    assert_refused(psa_engine("resume", rewritten(place)), where, option.replace("_", "-"))
    assert not Path("/elsewhere").exists()


@pytest.mark.parametrize("link", ["blocks", "blocks/configuration", "blocks/configuration/tables"])
def test_a_run_is_not_stored_through_a_link(tmp_path, link):
    (tmp_path / "precious").mkdir()
    place = tmp_path / "out" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "precious", target_is_directory=True)
    copies = {"configuration/tables/a.csv": b"x"}
    with pytest.raises(InputError, match="is a link, and nothing is written through it"):
        Store(tmp_path / "out", Manifest("run", {}, {}), companions=copies).begin()
    assert not list((tmp_path / "precious").iterdir())


class Acts:
    """What a pickle would do when it is read."""

    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def block_of(content):
    """A file with the checksum of a block, whatever is in it."""
    return f"{sha256(b'label' + content).hexdigest()}\n".encode() + content


def archive(array_bytes, names=b'["x"]', compression=0):
    file = io.BytesIO()
    with ZipFile(file, "w", compression) as z:
        held = io.BytesIO()
        np.save(held, np.array(names.decode()))
        z.writestr("names.npy", held.getvalue())
        z.writestr("a0.npy", array_bytes)
    return file.getvalue()


def npy(array):
    held = io.BytesIO()
    np.save(held, array, allow_pickle=True)
    return held.getvalue()


HUGE = npy(np.zeros(3)).replace(b"(3,)", b"(9999999999999,)".ljust(4))[: len(npy(np.zeros(3)))]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(archive(npy(np.array([Acts()], object))), id="objects"),
        pytest.param(pickle.dumps(Acts()), id="a pickle"),
        pytest.param(npy(np.array([Acts()], object)), id="an array of objects"),
        pytest.param(archive(HUGE), id="an array larger than memory"),
        pytest.param(archive(npy(np.zeros(10_000_000)), compression=ZIP_DEFLATED), id="a bomb"),
        pytest.param(archive(npy(np.zeros(3)), names=b"5"), id="names that are none"),
        pytest.param(archive(npy(np.zeros(3)), names=b"[[[]]]"), id="names of names"),
        pytest.param(archive(b"print()"), id="no array"),
    ],
)
def test_a_block_that_holds_anything_but_numbers_is_no_block(tmp_path, monkeypatch, content):
    monkeypatch.chdir(tmp_path)
    assert unpacked(block_of(content), "label") is None
    assert not (tmp_path / "ran").exists()


def test_a_block_of_numbers_is_one():
    assert unpacked(block_of(archive(npy(np.zeros(3)), names=b'[["x"]]')), "label")["x"].tolist() == [0, 0, 0]
