"""One self-contained page from a result's numbers; nothing is computed here, and nothing is fetched by it."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2

from psa_engine.report import numbers, words
from psa_engine.report.page import payer_tables, tables
from psa_engine.report.page.charts import Chart, charts_of
from psa_engine.report.page.diagram import diagram
from psa_engine.report.page.glossary import GLOSSARY
from psa_engine.report.page.scripts import datatables_script, vega_script

SECTIONS = {
    "summary": "Summary", "explore": "The decision", "outcomes": "Costs and effects", "uncertainty": "Uncertainty",
    "prices": "Prices", "evidence": "Evidence", "model": "The model", "methods": "How it was made",
    "glossary": "Glossary",
}  # fmt: skip


@dataclass(frozen=True)
class Script:
    """A script element: its text, type and id; one that is only data is not run."""

    text: str
    kind: str = ""
    id: str = ""


def report_html(results: Mapping[str, Any]) -> str:
    """Return the page of a run as HTML."""
    charts = charts_of(results)
    found = _tables(results)
    structure = diagram(results)
    absent = set() if found["threshold_prices"] or found["budget"] or "prices" in charts else {"prices"}
    absent |= set() if structure or "trace" in charts else {"model"}
    return page(
        "report.html",
        charts.values(),
        r=results,
        labels=words.labels_of(results),
        words={
            "decision": words.decision_sentences(results),
            "frontier": words.frontier_sentence(results),
            "price": words.price_sentences(results),
            "evidence": words.evidence_sentence(results),
            "worth": words.worth_sentence(results),
        },
        charts=charts,
        tables=found,
        diagram=structure,
        glossary=GLOSSARY,
        sections=[(id_, name) for id_, name in SECTIONS.items() if id_ not in absent],
        command=_command(results),
        downloads={
            "configuration": _data_uri("application/yaml", results.get("configuration", "")),
            "results": _data_uri("application/json", json.dumps(results, ensure_ascii=False)),
        },
    )


def _tables(results: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "decision": [tables.decision(results, d) for d in results["decision"]],
        "outcomes": tables.outcomes(results),
        "incremental": tables.incremental(results),
        "base_case": tables.base_case(results),
        "threshold_prices": tables.threshold_prices(results),
        "scenarios": tables.scenarios(results),
        "severity": payer_tables.severity(results),
        "budget": payer_tables.budget(results),
        "evppi": tables.evppi(results),
        "ledger": tables.ledger(results),
        "settings": tables.settings(results),
    }


def _command(results: Mapping[str, Any]) -> str:
    run = results["run"]
    wtp = " ".join(f"--wtp {w:g}" for w in results["wtp"])
    return (
        f"psa-engine run {results['name']}.yaml --draws {run['n_draws']} --seed {run['seed']} "
        f"--sampler {run['sampler']} --precision {run['precision']} {wtp}"
    )


def page(template: str, drawn: Iterable[Chart], /, **context: Any) -> str:
    """Return a page made of a template, with its charts and the scripts that draw them, and nothing to load."""
    specs = [
        {"name": c.name, "renderer": c.renderer, "spec": {"description": c.alt, **c.spec}} for c in drawn
    ]
    scripts = [
        Script(vega_script()) if specs else None,
        Script(datatables_script(), "module"),
        Script(_json(specs), "application/json", "charts"),
        Script(_asset("page.js"), "module"),
    ]
    kept = [s for s in scripts if s is not None]
    return (
        _environment()
        .get_template(template)
        .render(
            licences=_asset("licences.txt"),
            style=_asset("style.css"),
            scripts=kept,
            policy=_policy(kept),
            **context,
        )
    )


def _policy(scripts: Sequence[Script]) -> str:
    """Allow these very scripts and nothing else: no network, no other script even if one slipped in."""
    run = [s for s in scripts if s.kind != "application/json"]
    hashes = (base64.b64encode(hashlib.sha256(s.text.encode()).digest()).decode() for s in run)
    allowed = " ".join(f"'sha256-{h}'" for h in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")


def _data_uri(kind: str, text: str) -> str:
    return f"data:{kind};charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"


@cache
def _asset(name: str) -> str:
    return (files("psa_engine.report.page") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("psa_engine.report.page"),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(money=numbers.money, percent=numbers.percent)
    return environment
