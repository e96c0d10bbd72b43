"""Where what was computed once and can be computed again is kept: $PSA_ENGINE_CACHE, else the user's cache folder."""

import os
import sys
from pathlib import Path


def cache_root() -> Path:
    """Return the folder; it need not exist."""
    given = os.environ.get("PSA_ENGINE_CACHE")
    if given:
        return Path(given)
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA", Path.home()))
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return home / "psa_engine"
