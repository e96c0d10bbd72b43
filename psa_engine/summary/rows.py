"""Values as JSON holds them."""

import math
from typing import Any

import numpy as np


def records(table: Any) -> list[dict[str, Any]]:
    """Return a DataFrame's rows as JSON-ready mappings: no NumPy types, None for what is not a number."""
    return [{str(k): plain(v) for k, v in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """Return a value as JSON holds it; infinities as text, NaN as None."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("infinite" if value > 0 else "-infinite")
    return value
