"""What every part of a configuration is: a frozen record that refuses unknown keys, with its evidence named."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from psa_engine.config.fields import refusal

EVIDENCE = {
    "anyOf": [
        {"required": ["source"]},
        {"required": ["note"], "properties": {"status": {"enum": ["assumption", "gap"]}}},
    ]
}
"""`named_evidence` as JSON Schema says it."""


def exactly_one(*keys: str) -> dict[str, Any]:
    """Return what JSON Schema says of a record that has exactly one of some keys."""
    return {"oneOf": [{"required": [key]} for key in keys]}


class Record(BaseModel):
    """A part of a configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def named_evidence() -> Any:
    """Return the check that a record says what it rests on: a source, or for an assumption or a gap a note."""

    def check(self: Any) -> Any:
        if self.source is None and (self.status in ("verified", "unverified") or self.note is None):
            raise refusal(
                f"Status '{self.status}' needs a source",
                "Add source: a citation with its year (for an assumption or a gap, a note will do).",
            )
        return self

    return model_validator(mode="after")(check)


def one_of(what: str, *keys: str) -> Any:
    """Return the check that a record has exactly one of some keys."""

    def check(self: Any) -> Any:
        if sum(getattr(self, key) is not None for key in keys) != 1:
            raise refusal(f"{what} has exactly one of the keys {', '.join(keys)}")
        return self

    return model_validator(mode="after")(check)
