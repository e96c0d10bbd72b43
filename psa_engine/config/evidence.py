"""The evidence ledger: every input with its value, unit, source and status, to stand beside the results."""

from dataclasses import dataclass

from psa_engine.config.document import OVERRIDE, Document
from psa_engine.config.inputs import Input


@dataclass(frozen=True)
class Evidence:
    """What one parameter rests on; `value` in words: the number, or mean, 95 % interval and distribution."""

    name: str
    value: str
    unit: str
    label: str
    source: str
    url: str
    status: str
    note: str


def ledger(inputs: tuple[Input, ...], document: Document) -> tuple[Evidence, ...]:
    """Return one Evidence per parameter, in the order of the inputs; the note says what an overlay set."""
    return tuple(_evidence(entry, name, document) for entry in inputs for name in entry.names)


def _evidence(entry: Input, name: str, document: Document) -> Evidence:
    about = entry.evidence
    notes = [about.note] if about.note else []
    origin = document.written_at(entry.path)
    if origin != entry.path:
        by = f"the {str(origin[0]).removesuffix('s')} {origin[1]}" if origin[0] != OVERRIDE else "an override"
        notes.insert(0, f"Value set by {by}; the source is that of the base case.")
    label = about.label or name
    hidden = name in {f"discount[{product}]" for product in document.confidential}
    return Evidence(
        name=name,
        value="confidential" if hidden else _value_text(entry, name),
        unit=entry.unit_of(name),
        label=label if name == entry.name else f"{label}: {name}",
        source=about.source or "",
        url=about.url or "",
        status=about.status,
        note=" ".join(notes),
    )


def _value_text(entry: Input, name: str) -> str:
    mean, low, high = entry.summary(name)
    if entry.is_fixed:
        return f"{mean:.6g}"
    return f"{_shown(mean)} ({_shown(low)} to {_shown(high)}), {_distribution_text(entry)}"


def _shown(x: float) -> str:
    return f"{x:,.0f}" if abs(x) >= 10_000 else f"{x:.4g}"


def _distribution_text(entry: Input) -> str:
    if entry.names == (entry.name,):
        return repr(entry.given)
    return f"{type(entry.given).__name__} '{entry.name}'"
