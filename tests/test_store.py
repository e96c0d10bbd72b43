"""What a store writes is read back whole or not at all."""

import contextlib
import errno
import os
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from psa_engine.engine.where import Where, map_blocks, map_rows
from psa_engine.errors import InputError, StorageError
from psa_engine.store import Manifest, Store, files, lock, only_process, read_manifest
from psa_engine.store.arrays import packed, unpacked
from psa_engine.store.files import write_atomically
from psa_engine.store.lock import LOCK

BLOCK = {
    "totals": {"costs": np.arange(6.0).reshape(2, 3)},
    "outcomes": {},
    "parameters": {"rate|a/b": np.array([1, 2, np.nextafter(3, 4)], np.float32)},
    "clipped": np.array([[True, False, True]] * 2),
}
MANIFEST = Manifest("run", {"seed": 1, "versions": {"jax": "9"}}, {})


def compute(made=None):
    """Blocks of three numbers a draw; the ranges computed are added to `made`."""

    def over(ranges):
        for first, n in ranges:
            if made is not None:
                made.append((first, n))
            yield {"values": np.arange(first, first + n) / 3}

    return over


def store_in(folder, manifest=MANIFEST, **more):
    return Store(Path(folder), manifest, 0.0, **more)


def stored(folder, made=None, n=10, manifest=MANIFEST):
    """All blocks of a run of n draws, four at a time, by a store that takes up what is there."""
    store = store_in(folder, manifest)
    store.take_up()
    found = [block["values"] for _, block in store.blocks(n, 4, compute(made))]
    return store, np.concatenate(found)


def test_arrays_come_back_with_their_names_shapes_types_and_bits():
    back = unpacked(packed(BLOCK, "label"), "label")
    assert back.keys() == BLOCK.keys() and back["outcomes"] == {}
    for one, other in (
        (back["totals"]["costs"], BLOCK["totals"]["costs"]),
        (back["parameters"]["rate|a/b"], BLOCK["parameters"]["rate|a/b"]),
        (back["clipped"], BLOCK["clipped"]),
    ):
        assert one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def test_a_flipped_bit_anywhere_is_found():
    data = packed({"x": np.array([0.1])}, "label")
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        assert unpacked(bytes(flipped), "label") is None, place


@pytest.mark.parametrize("kept", [0, 1, 64, 65, 66, 200, -1])
def test_a_truncated_file_is_found(kept):
    assert unpacked(packed(BLOCK, "label")[:kept], "label") is None


def test_a_block_of_another_run_or_place_is_not_taken_for_this_one():
    assert unpacked(packed(BLOCK, "one"), "another") is None


def test_a_run_taken_up_computes_only_what_is_missing(tmp_path):
    _, whole = stored(tmp_path)
    (tmp_path / "blocks" / "draws-000000000004-000000004").unlink()
    _, again = stored(tmp_path, made := [])
    assert made == [(4, 4)] and again.tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    "damage", [lambda d: d[: len(d) // 2], lambda d: d[:-9] + bytes([d[-9] ^ 1]) + d[-8:], lambda d: b""]
)
def test_a_damaged_block_is_computed_again_and_counted(tmp_path, damage):
    _, whole = stored(tmp_path)
    block = tmp_path / "blocks" / "draws-000000000008-000000002"
    block.write_bytes(damage(block.read_bytes()))
    store, again = stored(tmp_path, made := [])
    assert made == [(8, 2)] and again.tobytes() == whole.tobytes() and store.counts.damaged == 1


def test_a_block_that_the_disk_no_longer_reads_is_computed_again(tmp_path, monkeypatch):
    _, whole = stored(tmp_path)

    def unreadable(path):
        raise OSError(errno.EIO, "Input/output error")

    store, made = store_in(tmp_path), []
    monkeypatch.setattr(Path, "read_bytes", unreadable)
    again = [block["values"] for _, block in store.blocks(10, 4, compute(made))]
    assert made == [(0, 4), (4, 4), (8, 2)] and np.concatenate(again).tobytes() == whole.tobytes()


def test_a_damaged_block_is_mended(tmp_path):
    stored(tmp_path)
    block = tmp_path / "blocks" / "draws-000000000000-000000004"
    whole = block.read_bytes()
    block.write_bytes(whole[:70])
    stored(tmp_path)
    assert unpacked(block.read_bytes(), f"{MANIFEST.key} {block.name}") is not None


def test_the_blocks_of_a_run_keep_their_size_wherever_it_goes_on(tmp_path):
    stored(tmp_path)
    store = store_in(tmp_path)
    assert store.take_up()
    assert [first for first, _ in store.blocks(10, 7, compute())] == [0, 4, 8]


def test_a_run_of_one_block_leaves_nothing_behind(tmp_path):
    store = store_in(tmp_path)
    assert len(list(store.blocks(10, 16, compute()))) == 1 and not store.place.exists()


def test_the_first_seconds_of_a_run_are_not_stored(tmp_path):
    store = Store(tmp_path, MANIFEST, grace=1e6)
    list(store.blocks(10, 4, compute()))
    assert store.counts.computed == 3 and store.counts.written == 0


def test_setting_the_clock_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", count(0, -3600).__next__)
    _, whole = stored(tmp_path)
    for path in (tmp_path / "blocks").iterdir():
        os.utime(path, (0, 2**33))
    _, again = stored(tmp_path, made := [])
    assert made == [] and again.tobytes() == whole.tobytes()


def mapped(folder, numbers, made, rows=False):
    """The halves of numbers by way of a store; those that were computed are added to `made`."""
    where = Where(store=store_in(folder))
    make = (lambda x: made.append(x) or [{"value": x / 2, "name": "é|x"}]) if rows else (
        lambda x: made.append(x) or {"half": np.array([x / 2])}
    )  # fmt: skip
    return list((map_rows if rows else map_blocks)(make, ((x,) for x in numbers), where, str))


def test_a_step_is_found_by_what_it_was_made_from(tmp_path):
    assert len(mapped(tmp_path, [1, 2, 5], made := [])) == len(made) == 3
    found = mapped(tmp_path, [2, 3, 1, 5, 4], made := [])
    assert made == [3, 4] and [block["half"][0] for block in found] == [1, 1.5, 0.5, 2.5, 2]


def test_rows_are_found_to_the_last_digit(tmp_path):
    first = mapped(tmp_path, [0.1 + 0.2], made := [], rows=True)
    assert (
        first
        == mapped(tmp_path, [0.1 + 0.2], made, rows=True)
        == [[{"value": 0.15000000000000002, "name": "é|x"}]]
    )
    assert len(made) == 1


def test_what_is_found_is_not_read_before_it_is_wanted(tmp_path):
    mapped(tmp_path, range(5), [])
    store = store_in(tmp_path)
    found = map_blocks(lambda x: {}, ((x,) for x in range(5)), Where(store=store), str)
    assert next(found)["half"][0] == 0 and store.counts.found == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"identity": {"seed": 2, "versions": {"jax": "9"}}}, "seed is 1 there and 2 now"),
        ({"identity": {"seed": 1, "versions": {"jax": "10"}}}, 'versions.jax is "9" there and "10" now'),
        ({"identity": {"seed": 1}}, 'versions is {"jax": "9"} there and null now'),
        ({"command": "sweep"}, 'command is "run" there and "sweep" now'),
    ],
)
def test_a_run_of_something_else_is_refused_with_the_difference(tmp_path, change, words):
    stored(tmp_path)
    with pytest.raises(InputError, match="holds an unfinished run of something else") as caught:
        stored(tmp_path, manifest=Manifest(**{**vars(MANIFEST), **change}))
    assert words in str(caught.value) and "--restart" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1}', b"[]", b'{"format": 99}', b"\xff\xfe"])
def test_a_damaged_manifest_is_refused_in_words(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(InputError, match=r"damaged|another version of the program"):
        read_manifest(tmp_path)


def test_a_flipped_bit_anywhere_in_a_manifest_is_found(tmp_path):
    MANIFEST.write(tmp_path)
    whole = (tmp_path / "manifest.json").read_bytes()
    (tmp_path / "manifest.copy.json").unlink()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 7
        (tmp_path / "manifest.json").write_bytes(flipped)
        with contextlib.suppress(InputError):
            assert read_manifest(tmp_path) == MANIFEST, flipped  # a blank between two words, say


def test_a_block_tells_the_size_of_the_blocks_where_the_manifest_is_lost(tmp_path):
    _, whole = stored(tmp_path)
    for lost in ["manifest.json", "manifest.copy.json", "draws-000000000000-000000004"]:
        (tmp_path / "blocks" / lost).unlink()
    store = store_in(tmp_path)
    assert store.take_up() and store.manifest.block == 4
    again = [block["values"] for _, block in store.blocks(10, 7, compute())]
    assert np.concatenate(again).tobytes() == whole.tobytes() and store.counts.found == 2


def test_where_only_the_smaller_last_block_is_whole_the_others_tell_the_size_by_their_names(tmp_path):
    stored(tmp_path)
    for path in (tmp_path / "blocks").iterdir():
        if not path.name.endswith("2"):  # draws 8 and 9
            path.write_bytes(b"damaged")
    store = store_in(tmp_path)
    assert store.take_up() and store.manifest.block == 4


def test_a_run_started_anew_forgets_the_old_one(tmp_path):
    stored(tmp_path)
    store = store_in(tmp_path, Manifest("run", {"seed": 2}, {}))
    assert not store.take_up(restart=True) and not store.place.exists()


def test_what_a_kill_left_half_written_is_swept_away(tmp_path):
    stored(tmp_path)
    (tmp_path / "blocks" / ".draws-000000000004-000000004.99.part").write_bytes(b"half")
    stored(tmp_path)
    assert not list((tmp_path / "blocks").glob(".*"))


# Disks.


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "The disk is full: 'x' in .* Free some space on it"),
        (errno.EDQUOT, "quota is used up"),
        (errno.EROFS, "The disk is read-only"),
        (errno.EACCES, "Permission to write is gone"),
        (errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_what_a_disk_does_is_said_in_words_and_leaves_no_half_file(tmp_path, monkeypatch, code, words, call):
    def fails(*given):
        raise OSError(code, os.strerror(code))

    write_atomically(tmp_path / "x", b"before")
    monkeypatch.setattr(files.os, call, fails)
    with pytest.raises(StorageError, match=words):
        write_atomically(tmp_path / "x", b"after")
    assert [p.name for p in tmp_path.iterdir()] == ["x"] and (tmp_path / "x").read_bytes() == b"before"


def test_a_folder_removed_during_the_run_is_named(tmp_path):
    store = store_in(tmp_path / "gone")
    with pytest.raises(StorageError, match="The folder was removed during the run: 'draws-"):
        for _ in store.blocks(10, 4, compute()):
            store.remove()


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """The order that a power cut needs: content flushed, then renamed, then the folder flushed."""
    done, fsync, replace = [], os.fsync, Path.replace
    monkeypatch.setattr(
        files.os, "fsync", lambda d: done.append(str(Path(f"/proc/self/fd/{d}").readlink())) or fsync(d)
    )
    monkeypatch.setattr(Path, "replace", lambda self, to: done.append("renamed") or replace(self, to))
    write_atomically(tmp_path / "x", b"content")
    assert done[0].endswith(".part") and done[1:] == ["renamed", str(tmp_path)]


# Locks.


def test_a_second_process_is_refused_and_the_first_is_named(tmp_path):
    with (
        only_process(tmp_path),
        pytest.raises(InputError, match=rf"Another process is at work in .* \(process {os.getpid()} on "),
        only_process(tmp_path),
    ):
        pass


def test_the_refused_process_leaves_the_lock_to_the_first(tmp_path):
    with only_process(tmp_path):
        for _ in range(2):
            with pytest.raises(InputError), only_process(tmp_path):
                pass


@pytest.mark.parametrize("said", [b'{"pid": 999999999, "host": "here"}', b"", b"\xff not JSON"])
def test_a_stale_lock_is_taken_over(tmp_path, said):
    (tmp_path / LOCK).write_bytes(said)
    with only_process(tmp_path):
        assert str(os.getpid()) in (tmp_path / LOCK).read_text()
    assert not (tmp_path / LOCK).exists()


def test_a_lock_file_that_its_holder_removed_meanwhile_is_not_taken_for_the_lock(tmp_path, monkeypatch):
    """A second process opens the file, the first one leaves and removes it, a third one makes and locks its own."""
    locked = lock._lock

    def left_meanwhile(descriptor):
        monkeypatch.setattr(lock, "_lock", locked)
        (tmp_path / LOCK).unlink()
        return locked(descriptor)

    monkeypatch.setattr(lock, "_lock", left_meanwhile)
    with only_process(tmp_path), pytest.raises(InputError), only_process(tmp_path):
        pass


def test_a_folder_that_cannot_hold_a_lock_is_named(tmp_path):
    with pytest.raises(StorageError, match="could not be written"), only_process(tmp_path / "missing"):
        pass
