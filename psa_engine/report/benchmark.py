"""Benchmark results as rows: what pytest-benchmark measured, ratios to the reference, and tables of them."""

from collections.abc import Mapping
from typing import Any

from psa_engine import __version__

REFERENCE = "NumPy double"


def measured_rows(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return machine, commit, versions and a row per measurement, from pytest-benchmark's JSON."""
    from importlib.metadata import version

    machine, commit = raw["machine_info"], raw["commit_info"]
    rows = [_row(b) for b in raw["benchmarks"]]
    reference = {r["work"]: r for r in rows if r["version"] == REFERENCE}
    peak = {
        (r["work"], r["version"]): r["multiply_adds"] / r["seconds"]
        for r in rows
        if r["work"].endswith(": matrix product")
    }
    for row in rows:
        where = "GPU" if row["work"].startswith("GPU") else "machine"
        row |= _rates(row, reference.get(row["work"]), peak.get((f"{where}: matrix product", row["version"])))
    cpu = machine.get("cpu", {})
    return {
        "machine": f"{cpu.get('brand_raw') or machine.get('processor')}, {cpu.get('count')} cores",
        "date": raw["datetime"],
        "commit": (commit.get("id") or "unknown") + (" and changes" if commit.get("dirty") else ""),
        "versions": {
            "psa_engine": __version__,
            "python": machine["python_version"],
            **{p: version(p) for p in ("jax", "numpy", "scipy")},
        },
        "rows": rows,
    }


def _row(b: Mapping[str, Any]) -> dict[str, Any]:
    stats, extra = b["stats"], dict(b["extra_info"])
    seconds = extra.pop("seconds", stats["median"])
    return {
        "work": b["group"] or b["name"],
        "version": extra.pop("version", ""),
        "seconds": seconds,
        "fastest": stats["min"],
        "slowest": stats["max"],
        "rounds": stats["rounds"],
        **extra,
    }


def _rates(row: Mapping[str, Any], reference: Mapping[str, Any] | None, peak: float | None) -> dict[str, Any]:
    """Return speeds and ratios; the share of the peak counts the multiply-adds that live states and edges need."""
    rates: dict[str, Any] = {}
    seconds = row["seconds"]
    if "first_call_seconds" in row:
        rates["compile_seconds"] = max(0.0, row["first_call_seconds"] - seconds)
    for name in ("n_draws", "numbers", "lane_cycles", "multiply_adds"):
        if name in row:
            rates[f"{name}_per_second"] = row[name] / seconds
    if peak and "multiply_adds" in row:
        rates["share_of_peak"] = row["multiply_adds"] / seconds / peak
    if reference:
        rates["ratio"] = reference["seconds"] / seconds
        if "cpu_share" in row and "cpu_share" in reference:
            rates["ratio_per_core"] = rates["ratio"] * reference["cpu_share"] / row["cpu_share"]
    return rates


def benchmark_table(results: Mapping[str, Any], works: str = "") -> tuple[list[str], list[list[str]]]:
    """Return header and rows of text of the work whose name starts so, those of one work together, no empty columns."""
    header = ["work", "by", "seconds", "x NumPy", "per core", "draws/s", "numbers/s", "lane-cycles/s"]
    header += ["multiply-adds/s", "of peak", "compile s", "MiB", "difference", "SE / EVPI"]
    rows = [
        [
            row["work"],
            row["version"],
            f"{row['seconds']:.3g}",
            _text(row, "ratio", ".1f"),
            _text(row, "ratio_per_core", ".1f"),
            _text(row, "n_draws_per_second", ",.0f"),
            _text(row, "numbers_per_second", ".2e"),
            _text(row, "lane_cycles_per_second", ".2e"),
            _text(row, "multiply_adds_per_second", ".2e"),
            _text(row, "share_of_peak", ".1%"),
            _text(row, "compile_seconds", ".1f"),
            f"{row['memory_bytes'] / 2**20:,.0f}" if "memory_bytes" in row else "",
            _text(row, "difference", ".0e"),
            _text(row, "standard_error", ".2%"),
        ]
        for row in results["rows"]
        if row["work"].startswith(works)
    ]
    works_in_order = list(dict.fromkeys(row[0] for row in rows))
    rows.sort(key=lambda row: works_in_order.index(row[0]))
    filled = [k for k in range(len(header)) if k < 2 or any(row[k] for row in rows)]
    return [header[k] for k in filled], [[row[k] for k in filled] for row in rows]


def _text(row: Mapping[str, Any], name: str, form: str) -> str:
    return format(row[name], form) if name in row else ""


def benchmark_markdown(results: Mapping[str, Any], works: str = "") -> str:
    """Return the table as Markdown under a line that names machine, date, commit and versions."""
    header, rows = benchmark_table(results, works)
    lines = ["| " + " | ".join(row) + " |" for row in [header, *rows]]
    lines.insert(1, "|" + "|".join("---" if k < 2 else "---:" for k in range(len(header))) + "|")
    versions = ", ".join(f"{k} {v}" for k, v in results["versions"].items())
    quick = " (--quick)" if results.get("quick") else ""
    load = results.get("load_before")
    busy = "" if load is None else f", load before it {load:.1f}"
    machine = f"{results['machine']}{busy}, {results['date'][:10]}"
    said = f"{machine}, commit {results['commit'][:12]}, {versions}{quick}."
    return said + "\n\n" + "\n".join(lines) + "\n"
