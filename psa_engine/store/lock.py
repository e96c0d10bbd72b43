"""One process at a time in a folder.

The system's own lock on a file is held while the process lives, and gone when it is: killed, or the machine
started anew. What the file says is for people; a file without a lock on it is stale and taken over.
"""

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psa_engine.errors import InputError
from psa_engine.store.files import storage_error

LOCK = ".lock"


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; raises InputError where another process holds it, StorageError where none can."""
    path = folder / LOCK
    try:
        descriptor = _locked(path)
    except OSError as error:
        raise storage_error(path, error) from error
    if descriptor is None:
        raise InputError(
            f"Another process is at work in '{folder}'{_holder(path)}.",
            hint="Wait until it has ended, or give another folder with --out.",
        )
    try:
        os.truncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "host": platform.node()}).encode())
        yield
    finally:
        if os.name == "posix":
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)
        else:
            os.close(descriptor)
            with suppress(OSError):
                path.unlink()


def _locked(path: Path) -> int | None:
    """Return the descriptor of the locked file, None where another process has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not _lock(descriptor):
            os.close(descriptor)
            return None
        # The holder removes the file as it leaves: a lock on a file no longer there is worth nothing.
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**20, os.SEEK_SET)  # beyond what it says, which others may read
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _holder(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(path.read_bytes())
        return f" (process {said['pid']} on {said['host']})"
    return ""
