"""Products as parameters: a medicine's list price per pack and the discount on it."""

from psa_engine.config.schema import Parameter, Product

_UNKNOWN = "Set by the analyst; 0 is the public list price. Confidential discounts are not known."


def price_record(name: str, product: Product, key: str) -> Parameter:
    """Return the parameter that a product's list_price (GBP per pack) or discount (proportion) stands for.

    The product's evidence is that of its price; a discount is an assumption.
    """
    label = product.label or name
    if key == "discount":
        about = {"unit": "proportion", "label": f"Discount on the list price, {label}", "note": _UNKNOWN}
        return Parameter(value=0.0, status="assumption", **about)
    pack = f" ({product.pack})" if product.pack else ""
    return Parameter(
        value=0.0,
        unit="GBP per pack",
        label=f"List price per pack, {label}{pack}",
        source=product.source,
        url=product.url,
        status=product.status,
        note=product.note,
    )
