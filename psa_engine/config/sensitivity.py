"""What a configuration says for sensitivity analyses: named ranges, standard care, and the budget impact."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from psa_engine.config.fields import Label, Number, ParameterName, Share, Status, Text, Url, refusal
from psa_engine.config.record import EVIDENCE, Record, named_evidence


def _low_high(value: Any) -> Any:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(x, int | float) for x in value):
        if not value[0] < value[1]:
            raise refusal(f"A range goes from a low to a higher end, and got {value}", "Write [0.2, 0.4].")
        return value
    raise refusal("A range has a low and a high end", "Write [0.2, 0.4].")


LowHigh = Annotated[list[Number], BeforeValidator(_low_high), Field(min_length=2, max_length=2)]
Ranges = dict[Label, Annotated[dict[ParameterName, LowHigh], Field(min_length=1)]]


class Severity(Record):
    """The severity of the condition: the strategy that stands for current standard care."""

    standard_care: Label


class BudgetImpact(Record, json_schema_extra=EVIDENCE):
    """The payer's budget: who starts treatment in each coming year, and with what, now and in future."""

    people: Annotated[list[Annotated[Number, Field(ge=0)]], Field(min_length=1, max_length=20)] = Field(
        description="People who start treatment in each year."
    )
    current: Annotated[dict[Label, list[Share]], Field(min_length=1)] = Field(
        description="Share of each year's starters by strategy, as things are."
    )
    future: Annotated[dict[Label, list[Share]], Field(min_length=1)] = Field(
        description="Share of each year's starters by strategy, with the new treatment."
    )
    source: Text | None = None
    url: Url | None = None
    status: Status
    note: Text | None = None

    _named = named_evidence()

    @model_validator(mode="after")
    def _shares_add_up(self) -> "BudgetImpact":
        n = len(self.people)
        for name in ("current", "future"):
            mix = getattr(self, name)
            for strategy, shares in mix.items():
                if len(shares) != n:
                    raise refusal(
                        f"The {name} mix gives '{strategy}' {len(shares)} shares for {n} years",
                        "Give one share a year of people.",
                    )
            for year, shares in enumerate(zip(*mix.values(), strict=True), 1):
                if abs(sum(shares) - 1) > 1e-9:
                    raise refusal(
                        f"The shares of the {name} mix in year {year} add up to {sum(shares):g}",
                        "Shares of a year add up to 1.",
                    )
        return self
