"""How time grows with size, from rows of a results file: fitted exponents, straight lines, and a figure of both."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FITTED_FROM = {"draws": 100_000, "draws, to ten million": 100_000}
"""The smallest size of a fit, where starting a run is no longer what takes the time."""
NOT_FITTED = ("draws in a block", "cores")


class Fit(NamedTuple):
    """Seconds against size: the slope of their logarithms with its standard error, and a straight line.

    The line minimises relative errors: `start` seconds and `each` seconds for one more; `off` is its largest
    relative error.
    """

    exponent: float
    error: float
    start: float
    each: float
    off: float


def measured_sizes(results: Sequence[Mapping[str, Any]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return axis -> (sizes, seconds), in order of size."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in (row for one in results for row in one["rows"] if "axis" in row):
        found.setdefault(row["axis"], []).append((row["size"], row["seconds"]))
    return {axis: tuple(np.array(sorted(pairs), float).T) for axis, pairs in found.items()}


def fit(sizes: np.ndarray, seconds: np.ndarray) -> Fit:
    """Fit three sizes or more, each of equal weight; raises ValueError for fewer."""
    if len(sizes) < 3:
        raise ValueError(f"A fit needs three sizes, and has {len(sizes)}.")
    x, y = np.log(sizes), np.log(seconds)
    x = x - x.mean()
    exponent = float(x @ y / (x @ x))
    left = y - y.mean() - exponent * x
    error = float(np.sqrt(left @ left / (len(x) - 2) / (x @ x)))
    design = np.stack([np.ones(len(sizes)), sizes], 1) / seconds[:, None]
    start, each = np.linalg.lstsq(design, np.ones(len(sizes)), rcond=None)[0]
    off = float(np.abs(design @ (start, each) - 1).max())
    return Fit(exponent, error, float(start), float(each), off)


def fits(results: Sequence[Mapping[str, Any]]) -> dict[str, Fit]:
    """Return the fit of every axis that has one."""
    found = {}
    for axis, (sizes, seconds) in measured_sizes(results).items():
        large = sizes >= FITTED_FROM.get(axis, 0)
        if axis not in NOT_FITTED and large.sum() >= 3:
            found[axis] = fit(sizes[large], seconds[large])
    return found


def scaling_markdown(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a row an axis, with its sizes, exponent, standard error and straight line, and the figure below."""
    if not fits(results):
        return "Not measured yet.\n"
    lines = [
        "| size | from | to | exponent | standard error | seconds to start | seconds each | line off by |"
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|")
    sizes = measured_sizes(results)
    for axis, found in fits(results).items():
        fitted = sizes[axis][0][sizes[axis][0] >= FITTED_FROM.get(axis, 0)]
        lines.append(
            f"| {axis} | {fitted[0]:,.0f} | {fitted[-1]:,.0f} | {found.exponent:.3f} | {found.error:.3f} | "
            f"{found.start:.2g} | {found.each:.3g} | {found.off:.0%} |"
        )
    figure = "![Seconds against size, a panel for each kind of size](results/scaling.svg)"
    return "\n".join([*lines, "", figure, ""])


def draw(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw seconds against size, a panel an axis, both logarithmic, with the fitted power; SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot, ticker

    with matplotlib.rc_context({"svg.hashsalt": "scaling", "svg.fonttype": "none", "font.size": 8}):
        sizes, fitted = measured_sizes(results), fits(results)
        n_rows = -(-len(sizes) // 4)
        figure, panels = pyplot.subplots(
            n_rows, 4, figsize=(9, 2.3 * n_rows), layout="constrained", squeeze=False
        )
        for panel, (axis, (size, seconds)) in zip(panels.flat, sizes.items(), strict=False):
            panel.loglog(size, seconds, "o", color="#1f4e79", markersize=4)
            panel.set(title=axis, ylabel="seconds", xticks=size, xticklabels=[_short(x) for x in size])
            panel.xaxis.set_minor_locator(ticker.NullLocator())
            if axis in fitted:
                large = size >= FITTED_FROM.get(axis, 0)
                centre = np.exp(np.log(seconds[large]).mean())
                power = centre * (size / np.exp(np.log(size[large]).mean())) ** fitted[axis].exponent
                panel.loglog(size, power, "-", color="#b8860b", linewidth=1)
                panel.set_title(f"{axis}: exponent {fitted[axis].exponent:.2f}")
        for panel in panels.flat[len(sizes) :]:
            panel.set_axis_off()
        figure.savefig(path, metadata={"Date": None})
        pyplot.close(figure)


def _short(size: float) -> str:
    return f"{size:,.0f}" if size < 10_000 else f"{size:.0e}".replace("e+0", "e")
