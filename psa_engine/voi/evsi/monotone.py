"""A curve through points that rises and falls only where they do."""

import numpy as np


def monotone_cubic(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return at `at` the cubic through points (k,), k at least 2, that rises and falls only where they do.

    As SciPy's PCHIP, whose import takes longer than all that a run does with it. Source: Fritsch, Butland 1984.
    """
    width, rise = np.diff(x), np.diff(y) / np.diff(x)
    slope = np.full(len(x), rise[0])
    if len(x) > 2:
        before, after = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
        same = rise[:-1] * rise[1:] > 0
        safe = np.where(same, rise[:-1], 1.0), np.where(same, rise[1:], 1.0)
        slope[1:-1] = np.where(same, (before + after) / (before / safe[0] + after / safe[1]), 0.0)
        slope[0] = _end_slope(width[0], width[1], rise[0], rise[1])
        slope[-1] = _end_slope(width[-1], width[-2], rise[-1], rise[-2])
    cell = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(width) - 1)
    t, h = (at - x[cell]) / width[cell], width[cell]
    bent = (1 - t) * (slope[cell] - rise[cell]) - t * (slope[cell + 1] - rise[cell])
    return y[cell] + h * t * (rise[cell] + (1 - t) * bent)


def _end_slope(width: float, next_width: float, rise: float, next_rise: float) -> float:
    """Return the slope at an end by three points, kept from overshooting."""
    slope = ((2 * width + next_width) * rise - width * next_rise) / (width + next_width)
    if slope * rise <= 0:
        return 0.0
    return 3 * rise if rise * next_rise <= 0 and abs(slope) > 3 * abs(rise) else slope
