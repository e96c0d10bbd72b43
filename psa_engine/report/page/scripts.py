"""The JavaScript that the page embeds, from installed packages: Vega-Embed for charts, DataTables for tables."""

import re
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from psa_engine.cache import cache_root


@cache
def vega_script() -> str:
    """Return Vega, Vega-Lite and Vega-Embed (vl-convert's bundle); bundling takes a second, so it is kept."""
    kept = cache_root() / f"vega-{version('vl-convert-python')}.js"
    try:
        return kept.read_text(encoding="utf-8")
    except OSError:
        pass
    import vl_convert

    script = _embeddable(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{id(script)}.part")
        part.write_text(script, encoding="utf-8")
        part.replace(kept)
    except OSError:
        pass  # A cache that cannot be written costs a second, nothing else.
    return script


@cache
def datatables_script() -> str:
    """Return DataTables with jQuery (itables' bundle) as a module that sets window.DataTable."""
    spec = find_spec("itables")
    assert spec and spec.submodule_search_locations
    text = (Path(spec.submodule_search_locations[0]) / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    exported = re.search(r"export ?\{([^}]*)\};?", text)
    assert exported, "itables' bundle exports nothing"
    names = {
        new: old
        for old, new in (part.strip().split(" as ") for part in exported[1].split(",") if " as " in part)
    }
    return _embeddable(text.replace(exported[0], f"window.DataTable={names['default']};"))


def _embeddable(script: str) -> str:
    """Keep a script from ending the element it stands in."""
    return re.sub(r"</(script)", r"<\\/\1", script, flags=re.IGNORECASE)
