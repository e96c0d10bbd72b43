"""How strategies and evidence look in every picture: told apart by colour, and without colour by dash and marker.

Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart; the yellow, too pale on
white, is left out. Colours repeat after 7 strategies and dashes after 4, so that no pair repeats before 28.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[tuple[int, ...], ...] = ((), (6, 3), (2, 2), (8, 2, 2, 2))
MARKERS = ("circle", "square", "triangle-up", "diamond", "cross")
"""Vega's names; `figures.style` holds matplotlib's for the same."""
INK, MUTED, PALE = "#1f2933", "#52606d", "#d9e0e6"
STATUS = {"verified": "#009E73", "unverified": "#0072B2", "assumption": "#E69F00", "gap": "#D55E00"}
STATES = (
    "#0072B2", "#56B4E9", "#009E73", "#8FD3B6", "#E69F00", "#F2CF85", "#D55E00", "#CC79A7", "#E6C3D8", "#7A7A7A",
    "#4B5F9E", "#A0522D",
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """One strategy: its label, colour, dash (lengths on and off; empty for a full line) and marker."""

    label: str
    colour: str
    dash: tuple[int, ...]
    marker: str


def looks(results: Mapping[str, Any]) -> dict[str, Look]:
    """Return how each strategy of a result looks, by name, the same in every figure."""
    return {
        about["strategy"]: Look(
            about["label"], COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)], MARKERS[i % len(MARKERS)]
        )
        for i, about in enumerate(results["strategies"])
    }


def weakest(status: str) -> str:
    """Return the weakest of the evidence statuses named in a text such as "assumption, verified"."""
    return max(status.split(", "), key=lambda s: list(STATUS).index(s) if s in STATUS else -1)
