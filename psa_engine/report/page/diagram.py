"""The structure of a cohort model as a picture: states on an ellipse in the order of the model, edges as arrows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psa_engine.report.palette import STATES

WIDTH, HEIGHT = 900.0, 560.0
_LETTER, _BOX = 7.6, 34.0
_BEND = 0.13


@dataclass(frozen=True)
class Box:
    """A state: its name in words, the centre of its box, and the box's width and height."""

    name: str
    x: float
    y: float
    width: float
    height: float
    colour: str

    def border(self, x: float, y: float, gap: float) -> tuple[float, float]:
        """Return where the line from the centre to (x, y) leaves the box, `gap` further out."""
        dx, dy = x - self.x, y - self.y
        half_x, half_y = self.width / 2 + gap, self.height / 2 + gap
        scale = min(half_x / abs(dx) if dx else math.inf, half_y / abs(dy) if dy else math.inf)
        return self.x + dx * scale, self.y + dy * scale


@dataclass(frozen=True)
class Edge:
    """An arrow: its path, what it says, and the colour of the state it leaves."""

    path: str
    words: str
    colour: str


@dataclass(frozen=True)
class Diagram:
    """What the template draws; states have the colours that they have in the chart of the cohort."""

    boxes: list[Box]
    edges: list[Edge]
    width: float
    height: float
    note: str


def diagram(results: Mapping[str, Any]) -> Diagram | None:
    """Return the diagram of a result's model; None where it has no states."""
    structure = results.get("structure")
    if not structure:
        return None
    boxes = _boxes(structure["states"])
    pairs = [(boxes[e["from"]], boxes[e["to"]]) for e in structure["edges"]]
    edges = [Edge(_path(a, b), f"{a.name} to {b.name}", a.colour) for a, b in pairs]
    note = ""
    if structure["background_mortality"]:
        note = (
            f"Background mortality leads from every state to {_words(structure['death'])}; it is not drawn."
        )
    return Diagram(list(boxes.values()), edges, WIDTH, HEIGHT, note)


def _boxes(states: list[str]) -> dict[str, Box]:
    boxes = {}
    for k, state in enumerate(states):
        angle = 2 * math.pi * k / len(states) - math.pi / 2
        width = _LETTER * len(state) + 26
        x = WIDTH / 2 + (WIDTH / 2 - 110) * math.cos(angle)
        y = HEIGHT / 2 + (HEIGHT / 2 - 28) * math.sin(angle)
        boxes[state] = Box(_words(state), x, y, width, _BOX, STATES[k % len(STATES)])
    return boxes


def _path(start: Box, end: Box) -> str:
    """A curve bent to its left, so that an edge and its way back stay apart."""
    dx, dy = end.x - start.x, end.y - start.y
    bend = (start.x + end.x) / 2 + _BEND * dy, (start.y + end.y) / 2 - _BEND * dx
    (x1, y1), (x2, y2) = start.border(*bend, 1), end.border(*bend, 4)
    return f"M{x1:.1f},{y1:.1f} Q{bend[0]:.1f},{bend[1]:.1f} {x2:.1f},{y2:.1f}"


def _words(name: str) -> str:
    return name.replace("_", " ")
