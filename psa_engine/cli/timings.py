"""What a command spends its time on, said with --verbose."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from psa_engine.report.loudness import is_verbose


class Timings:
    """Wall and processor seconds of the parts of a command, in the order in which they ended."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[float, float]] = {}
        self._since = time.perf_counter(), time.process_time()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time what is done inside; a part done again adds up."""
        wall, processor = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            before = self.parts.get(name, (0.0, 0.0))
            took = (time.perf_counter() - wall, time.process_time() - processor)
            self.parts[name] = (before[0] + took[0], before[1] + took[1])

    def lap(self, name: str) -> None:
        """Time what was done since the last lap, or since these timings were made."""
        now = time.perf_counter(), time.process_time()
        self.parts[name] = now[0] - self._since[0], now[1] - self._since[1]
        self._since = now

    def print(self, console: Console) -> None:
        """Print a line for each part where --verbose was given."""
        if is_verbose():
            for name, (wall, processor) in self.parts.items():
                console.print(f"{name}: {wall:,.2f} s, {processor:,.2f} s of processor time.", markup=False)
