"""Options and shared work of the benchmarks: one analysis, its draws and its expected results, made once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import fair
import numpy as np
import pytest

import psa_engine as pe


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="Less of everything: done in a minute and a half.")
    parser.addoption("--long", action="store_true", help="Only the largest sizes, some ten minutes.")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: one of the largest sizes, run by --long alone")
    config.addinivalue_line("markers", "peers: another package, run where -k names peers")


def pytest_collection_modifyitems(config, items):
    """Keep the long ones with --long, all others without it, and peers where they are asked for."""
    wanted = {
        "long": config.getoption("--long"),
        "peers": "peers" in config.getoption("keyword"),
    }
    left_out = [i for i in items if any((m in i.keywords) != kept for m, kept in wanted.items())]
    items[:] = [i for i in items if i not in left_out]
    config.hook.pytest_deselected(items=left_out)


@dataclass(frozen=True)
class Work:
    """A shipped analysis at fixed draws of its parameters, and what the NumPy reference makes of them."""

    config: str
    n_draws: int

    @cached_property
    def analysis(self) -> Any:
        return pe.load_analysis(self.config)

    @cached_property
    def values(self) -> Mapping[str, Any]:
        a = self.analysis
        drawn = pe.run_psa(a.model, a.parameters, n_draws=self.n_draws, seed=7, keep="totals")
        return {**a.parameters.means(), **drawn.parameter_values}

    @cached_property
    def prepared(self) -> list[fair.Prepared]:
        return fair.prepare(self.analysis.model, self.values)

    @cached_property
    def expected(self) -> list[dict[str, np.ndarray]]:
        return fair.simulate(self.prepared, self.analysis.timeline.series())

    @property
    def size(self) -> dict[str, Any]:
        """What a row says of the work: draws, strategies, cycles, and multiply-adds of one lane's cycle."""
        live = [len(p.states) + len(p.spans[max(p.spans)]) for p in self.prepared]
        n_cycles, n_strategies = self.analysis.timeline.n_cycles, len(live)
        return {
            "n_draws": self.n_draws,
            "n_strategies": n_strategies,
            "n_cycles": n_cycles,
            "lane_cycles": self.n_draws * n_strategies * n_cycles,
            "multiply_adds": self.n_draws * n_cycles * sum(live),
        }

    def largest_difference(self, sample: Any) -> float:
        """Return the largest difference of any outcome from the reference, relative to the outcome's largest draw."""
        worst = 0.0
        for strategy, outcomes in zip(sample.strategies, self.expected, strict=True):
            for name, truth in outcomes.items():
                got = sample.outcomes.get(name, {}).get(strategy, 0.0)
                size = np.abs(truth).max()
                worst = max(worst, float(np.abs(got - truth).max() / (size if size > 0 else 1.0)))
        return worst


@lru_cache
def work_of(config: str, n_draws: int) -> Work:
    return Work(config, n_draws)


@pytest.fixture
def quick(request) -> bool:
    return request.config.getoption("--quick")


@pytest.fixture
def work(quick):
    """Return the work of a configuration; few draws, since the reference does them too."""
    return lambda config: work_of(config, 4_096 if quick else 8_192)
