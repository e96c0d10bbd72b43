"""A part of a command's work that a second process does beside it, where the system can fork and has a second core."""

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

Make = Callable[..., Any]


class Beside:
    """`give` what the work needs, then ask for its `result`: the same as `make(*given)`, which is the fallback."""

    def __init__(self, make: Make, pipe: Any = None):
        self._make, self._pipe = make, pipe
        self._given: tuple[Any, ...] = ()

    def give(self, *given: Any) -> None:
        """Start the work."""
        self._given = given
        if self._pipe is not None:
            with suppress(OSError):
                self._pipe.send(given)

    def result(self) -> Any:
        """Return the work's result; raises what `make` raises."""
        if self._pipe is not None:
            with suppress(OSError, EOFError):
                done, found = self._pipe.recv()
                if done:
                    return found
        return self._make(*self._given)


@contextmanager
def beside(prepare: Callable[[], Any], make: Make, wanted: bool = True) -> Iterator[Beside]:
    """Yield work that a process forked now prepares for, does once it is given, and ends with."""
    if not (wanted and can_fork()):
        yield Beside(make)
        return
    mine, its = Pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of threads, and there are none yet
        pid = os.fork()
    if pid == 0:
        mine.close()
        _work(its, prepare, make)
    its.close()
    try:
        yield Beside(make, mine)
    finally:
        mine.close()
        os.kill(pid, signal.SIGKILL)  # it has sent what it had, or is no longer wanted
        os.waitpid(pid, 0)


def can_fork() -> bool:
    """Whether another process can be forked safely, as nothing runs in this one besides, and has a core to run on."""
    threads = Path("/proc/self/task")
    try:
        return len(os.sched_getaffinity(0)) > 1 and len(list(threads.iterdir())) == 1
    except (AttributeError, OSError):
        return False


def _work(pipe: Any, prepare: Callable[[], Any], make: Make) -> None:
    """Do the work of the second process, which never returns from here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears it, and ends this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        prepare()
        given = pipe.recv()
        try:
            answer = True, make(*given)
        except Exception:  # the first process meets it too, and says it
            answer = False, None
        pipe.send(answer)
    finally:
        os._exit(0)
