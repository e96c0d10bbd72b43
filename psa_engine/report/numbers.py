"""How numbers are written for readers: thousands separators, a fixed number of places, nothing for what is missing."""

from typing import Any


def money(value: Any, places: int = 0) -> str:
    """Return an amount with thousands separators and a true minus sign; text, as "infinite", as it is."""
    if isinstance(value, str):
        return value
    return "" if value is None else f"{value:,.{places}f}".replace("-", "−")


def cents(value: Any) -> str:
    """Return a price, or a small amount, to two places."""
    return money(value, 2)


def qalys(value: Any) -> str:
    """Return an effect to three places."""
    return money(value, 3)


def percent(value: Any, places: int = 0) -> str:
    """Return a share as a percentage."""
    return "" if value is None else f"{value:.{places}%}".replace("-", "−")


def figures(value: Any) -> str:
    """Return any number to four significant figures, without an exponent where it can be read without."""
    if value is None:
        return ""
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3e}".replace("-", "−")
    return f"{value:,.4g}".replace("-", "−") if abs(value) < 1e4 else money(value)


def join(words: list[str]) -> str:
    """Return words as a list in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
