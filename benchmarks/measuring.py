"""How a function is measured: its repeats, the first call apart, its share of the processor, and its memory."""

import ctypes
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_PROCESS = Path("/proc/self")


def measured(benchmark: Any, function: Callable[[], object], rounds: int) -> None:
    """Time a function; the first call, which compiles, is kept apart, and the memory is that of another.

    With one round that is the timed call: long ones are worth the few milliseconds that watching memory takes.
    """
    started = time.perf_counter()
    function()
    benchmark.extra_info["first_call_seconds"] = time.perf_counter() - started
    memory: list[int | None] = []
    if rounds > 1:
        memory.append(memory_of(function))
    cpu, clock = time.process_time(), time.perf_counter()
    benchmark.pedantic(
        function if memory else lambda: memory.append(memory_of(function)), rounds=rounds, iterations=1
    )
    benchmark.extra_info["cpu_share"] = (time.process_time() - cpu) / (time.perf_counter() - clock)
    if memory[0] is not None:
        benchmark.extra_info["memory_bytes"] = memory[0]


def memory_of(function: Callable[[], object]) -> int | None:
    """Call a function and return the most bytes resident during it above those before; None where it is not known."""
    with suppress(OSError, AttributeError):
        if sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)  # what was freed is given back, and so counts when taken again
            (_PROCESS / "clear_refs").write_text("5")  # forget the highest so far
            before = _resident("VmRSS")
            function()
            return max(0, _resident("VmHWM") - before)
    function()
    return None


def _resident(name: str) -> int:
    lines = (_PROCESS / "status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))
