"""Numbers that only a picture reads, short enough to embed in a page."""

from typing import Any

import numpy as np


def significant(values: Any, digits: int = 6) -> list[float]:
    """Return values (n,) rounded to significant digits, as plain numbers."""
    return [float(f"{v:.{digits}g}") for v in np.asarray(values, float).tolist()]
