"""EVSI over a grid of sample sizes: a record that is read like a list of estimates."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.estimate import VoiEstimate
from psa_engine.voi.evsi.studies import Study

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class EvsiCurve:
    """EVSI of one study at sample sizes `n` (k,), patients in all; money per person.

    `value` and `standard_error` are (k,), or (k, n_wtp) where `wtp` is a list. Iterating gives the
    `VoiEstimate` of each size.
    """

    study: Study
    n: np.ndarray
    estimates: tuple[VoiEstimate, ...]

    def __len__(self) -> int:
        return len(self.estimates)

    def __iter__(self) -> Iterator[VoiEstimate]:
        return iter(self.estimates)

    def __getitem__(self, index: int) -> VoiEstimate:
        return self.estimates[index]

    @property
    def wtp(self) -> Any:
        """The willingness to pay, as it was given."""
        return self.estimates[0].wtp

    @property
    def value(self) -> np.ndarray:
        """The estimates, (k,) or (k, n_wtp)."""
        return np.array([estimate.value for estimate in self.estimates])

    @property
    def standard_error(self) -> np.ndarray:
        """Their standard errors, (k,) or (k, n_wtp)."""
        return np.array([estimate.standard_error for estimate in self.estimates])

    @property
    def method(self) -> str:
        """The method, the same for all sizes."""
        return self.estimates[0].method

    @property
    def model_runs(self) -> int:
        """Model runs made for the whole curve; a PSA sample that serves all sizes counts once."""
        shared = self.estimates[0].diagnostics.get("shared_runs", False)
        runs = [estimate.model_runs for estimate in self.estimates]
        return max(runs) if shared else sum(runs)

    @property
    def seconds(self) -> float:
        """Seconds for the whole curve, without those of the PSA sample."""
        return sum(estimate.seconds for estimate in self.estimates)

    def table(self) -> "pd.DataFrame":
        """Return n, wtp, evsi and standard_error, a row for each size and WTP."""
        import pandas as pd

        wtp = np.atleast_1d(self.wtp)
        return pd.DataFrame(
            {
                "n": np.repeat(self.n, len(wtp)),
                "wtp": np.tile(wtp, len(self.n)),
                "evsi": self.value.ravel(),
                "standard_error": self.standard_error.ravel(),
            }
        )
