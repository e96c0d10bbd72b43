"""Signals that ask a run to stop: heard between blocks, so that the block in hand is finished."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from psa_engine.errors import Interrupted

_ASKING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping_between_blocks() -> Iterator[Callable[[], None]]:
    """Yield a function that raises Interrupted once SIGINT or SIGTERM has come; a second one stops at once."""
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        if heard:
            raise Interrupted(number)
        heard.append(number)
        print("\npsa-engine: finishing the block in hand; once more stops at once.", file=sys.stderr)

    def check() -> None:
        if heard:
            raise Interrupted(heard[0])

    if threading.current_thread() is not threading.main_thread():
        yield check
        return
    before = {number: signal.signal(number, hear) for number in _ASKING}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
