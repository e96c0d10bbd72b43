"""Work that a second process does beside the first: the same result, whatever becomes of that process."""

import os
import subprocess
import sys

import pytest

from psa_engine.cli.beside import Beside

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2,
    reason="forks on Linux, where there are two cores",
)

SCRIPT = """
import os, signal, threading
from psa_engine.cli.beside import Beside, beside, can_fork

first = os.getpid()

def where(*given):
    return given, os.getpid() == first

"""


def said(script):
    """What a fresh process says, which has no threads yet as a test's has."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + script], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split("\n")[:-1]


def test_the_work_is_done_in_another_process_that_is_gone_afterwards():
    script = """
with beside(lambda: None, where) as work:
    work.give(1, "two")
    print(work.result())
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nobody is left")
"""
    assert said(script) == ["((1, 'two'), False)", "nobody is left"]


def test_what_another_process_cannot_do_is_done_here():
    script = """
def fails_elsewhere(x):
    return x / (os.getpid() == first)

with beside(lambda: None, fails_elsewhere) as work:
    work.give(3)
    print(work.result())
"""
    assert said(script) == ["3.0"]


def test_work_whose_process_is_killed_is_done_here():
    script = """
def killed_elsewhere(x):
    if os.getpid() != first:
        os.kill(os.getpid(), signal.SIGKILL)
    return x

with beside(lambda: None, killed_elsewhere) as work:
    work.give("done")
    print(work.result())
"""
    assert said(script) == ["done"]


def test_work_that_is_given_up_leaves_no_process():
    script = """
try:
    with beside(lambda: None, where):
        raise KeyError("something else")
except KeyError:
    pass
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nobody is left")
"""
    assert said(script) == ["nobody is left"]


def test_a_process_with_threads_is_not_forked():
    script = """
stop = threading.Event()
threading.Thread(target=stop.wait).start()
print(can_fork())
with beside(lambda: None, where) as work:
    work.give()
    print(work.result())
stop.set()
"""
    assert said(script) == ["False", "((), True)"]


def test_without_a_second_process_an_error_is_that_of_the_work():
    work = Beside(lambda x: 1 / x)
    work.give(0)
    with pytest.raises(ZeroDivisionError):
        work.result()
