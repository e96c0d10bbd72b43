"""Confidential discounts: read from a file kept outside the repository, used, and never said.

No message quotes what the file holds. What results still give away is said in docs/results.md.
"""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from psa_engine.config.reading import read_document
from psa_engine.errors import InputError

WORDS = "confidential discounts on"
_PERCENT = re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*%")


def read_discounts(path: Path) -> dict[str, float]:
    """Return product -> discount (0 to 1) from a CSV file (columns product, discount) or a YAML mapping.

    A discount is 0.35 or 35%. InputError, which quotes no number, for anything else.
    """
    if not path.is_file():
        raise InputError(f"There is no file of discounts '{path}'.", path="--discounts")
    pairs = _csv_pairs(path) if path.suffix.lower() == ".csv" else read_document(path).content.items()
    found: dict[str, float] = {}
    for product, given in pairs:
        if product in found:
            raise _refused(path, f"'{product}' has two discounts.", "Give one.")
        found[product] = _discount(path, product, given)
    if not found:
        raise _refused(path, "It holds no discount.", "Write a product and its discount on each line.")
    return found


def _csv_pairs(path: Path) -> Iterable[tuple[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise _refused(path, "It cannot be read as text.", "Save it as CSV in UTF-8.") from None
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if any(row)]
    if not rows or [cell.lower() for cell in rows[0]] != ["product", "discount"]:
        raise _refused(path, "Its columns are not product and discount.", "Head it 'product,discount'.")
    for row in rows[1:]:
        if len(row) != 2:
            raise _refused(path, f"The line of '{row[0]}' does not have two entries.", "Write 0.35 or 35%.")
        yield row[0], row[1]


def _discount(path: Path, product: str, given: Any) -> float:
    text = str(given).strip()
    percent = _PERCENT.fullmatch(text)
    try:
        value = float(percent[1]) / 100 if percent else float(text)
    except ValueError:
        value = -1.0
    if isinstance(given, bool) or not 0 <= value <= 1:
        raise _refused(path, f"The discount of '{product}' is not between 0 and 1.", "Write 0.35 or 35%.")
    return value


def _refused(path: Path, message: str, hint: str) -> InputError:
    return InputError(f"{path.name}: {message}", path="--discounts", hint=hint)


def without_values(content: dict[str, Any], products: Iterable[str]) -> dict[str, Any]:
    """Return a configuration's content with the discounts of some products left out.

    A hash of a number of few digits is as good as the number, so a content hash must not cover it.
    """
    told = {
        p: {k: v for k, v in about.items() if k != "discount"} for p, about in content["products"].items()
    }
    chosen = set(products)
    return {**content, "products": {p: told[p] if p in chosen else v for p, v in content["products"].items()}}


def redacted(text: str) -> str:
    """Return a message with the values of discounts left out."""
    return re.sub(r"(discount\[[^\]]*\] = )[^,\s]+", r"\1confidential", text)
