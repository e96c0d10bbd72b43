"""Progress of a long run on the terminal: draws done, draws a second, time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int], None]


@contextmanager
def progress_bar(total: int, unit: str, show: bool) -> Iterator[Advance]:
    """Yield a function that is told how many units were just done; draws on stderr, nothing when not shown."""
    if not show:
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task):
            return Text(f"{task.speed or 0:,.0f} {unit}/s")

    columns = (TextColumn("{task.completed:,.0f} of {task.total:,.0f} " + unit), BarColumn(), Rate())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.advance(task, done)
