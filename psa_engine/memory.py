"""How much memory this machine has."""

import os


def memory_bytes() -> int | None:
    """Return the bytes of memory that this machine has; None where the system does not say."""
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
