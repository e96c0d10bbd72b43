"""Files that are there whole or not at all, and what a disk may do to them, in words."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psa_engine.errors import StorageError

PART = ".part"
"""How the name of a file ends that is still being written."""


def write_atomically(path: Path, data: bytes | memoryview) -> None:
    """Write a file beside its place, flush it to the disk, then put it there; raises StorageError."""
    with written_atomically(path) as part:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


@contextmanager
def written_atomically(path: Path) -> Iterator[Path]:
    """Yield the path to write to; put that file in its place once it is written and flushed to the disk."""
    part = path.with_name(f".{path.name}.{os.getpid()}{PART}")
    try:
        yield part
        _flush(part, os.O_RDWR)
        part.replace(path)
        if os.name == "posix":
            _flush(path.parent, os.O_RDONLY)  # else a power cut may forget the new name
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return what went wrong with a file, and the remedy."""
    full = "Free some space on it, then go on."
    known = {
        errno.ENOSPC: ("The disk is full", full),
        errno.EDQUOT: ("The disk quota is used up", full),
        errno.EFBIG: ("The file would be larger than allowed", "Raise the limit, then go on."),
        errno.ENOENT: ("The folder was removed during the run", None),
        errno.ENOTDIR: ("The folder was removed during the run", None),
        errno.EACCES: ("Permission to write is gone", "Give it back, then go on."),
        errno.EPERM: ("Permission to write is gone", "Give it back, then go on."),
        errno.EROFS: ("The disk is read-only", "Mount it for writing, then go on."),
    }
    what, hint = known.get(error.errno or 0, (error.strerror or str(error), None))
    return StorageError(f"{what}: '{path.name}' in '{path.parent}' could not be written.", hint=hint)
