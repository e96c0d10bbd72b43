"""Every figure that a result has numbers for, written into the folder `figures` beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError


def write_figures(folder: Path, results: Mapping[str, Any]) -> list[Path]:
    """Write figures/NAME.svg and NAME.png; return their paths. InputError without matplotlib, or a writable folder."""
    catalogue = _catalogue()
    from psa_engine.report.figures.style import styled

    target, written = folder / "figures", []
    try:
        target.mkdir(parents=True, exist_ok=True)
        with styled():
            for name, draw in catalogue.items():
                figure = draw(results)
                if figure is None:
                    continue
                for kind, about in (("svg", {"Date": None}), ("png", {"Software": None})):
                    figure.savefig(target / f"{name}.{kind}", metadata=about)
                    written.append(target / f"{name}.{kind}")
    except OSError as error:
        raise InputError(f"The figures cannot be written in '{target}': {error.strerror or error}.") from None
    return written


def _catalogue() -> dict[str, Callable[[Mapping[str, Any]], Any]]:
    try:
        import matplotlib as _  # noqa: F401
    except ImportError:
        raise InputError(
            "Figures need matplotlib.", hint="Install it: pip install psa-engine[figures]"
        ) from None
    from psa_engine.report.figures import (
        acceptability,
        cohort,
        convergence,
        densities,
        evidence,
        loss,
        plane,
        prices,
        tornado,
    )

    return {
        "plane": plane.plane,
        "frontier": plane.frontier,
        "ceac": acceptability.ceac,
        "ceaf": acceptability.ceaf,
        "expected_loss": loss.expected_loss,
        "evpi": loss.evpi,
        "evppi": evidence.evppi,
        "evsi": evidence.evsi,
        "tornado": tornado.tornado,
        "price_curves": prices.price_curves,
        "price_maps": prices.price_maps,
        "convergence": convergence.convergence,
        "trace": cohort.trace,
        "densities": densities.densities,
    }
