"""The two-state example with both treatments sold in packs: aspirin, twelve a year, and the pill, ten."""

from pathlib import Path

from command_line import psa_engine

PRODUCTS = """products:
  pill: {list_price: 150, discount: 0, pack: 28 tablets, status: gap, note: Invented.}
  aspirin: {list_price: 20, discount: 0, status: assumption, note: Invented.}
"""
MODEL = '''"""The two-state model with drugs in packs."""

from psa_engine.cohort import CohortModel
from psa_engine.models import two_state


def payoffs(p):
    drug, used = p.at("product"), 12.0 - 2.0 * p["treated"]
    price = drug["list_price"] * (1 - drug["discount"])
    return {
        **two_state.payoffs(p),
        "packs.{product}": {"alive": used},
        "costs.drug.{product}": {"alive": used * price},
    }


def build(timeline, strategies):
    return CohortModel(("alive", "dead"), strategies, timeline, "alive", two_state.transitions, payoffs)
'''


def write_packs(folder: Path) -> Path:
    """Write the configuration and its model into a folder; return the configuration's path."""
    (folder / "model.py").write_text(MODEL)
    text = psa_engine("show", "two_state").out
    for old, new in (
        ("# yaml-language-server", "# "),
        ("name: two_state", "name: two_products"),
        ("model: two_state", "model: model.py"),
        ("attributes: {treated: 0}", "attributes: {treated: 0, product: aspirin}"),
        ("attributes: {treated: 1}", "attributes: {treated: 1, product: pill}"),
        ("\nparameters:\n", f"\n{PRODUCTS}parameters:\n"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "two.yaml").write_text(text)
    return folder / "two.yaml"
