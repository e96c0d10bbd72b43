"""The schema of a configuration file: what each key is, and what it may hold. Unknown keys are refused."""

from typing import Annotated, Any, get_args

from pydantic import Field, StringConstraints, model_validator

from psa_engine.accrual.cycle_correction import CycleCorrection
from psa_engine.accrual.timeline import Discounting
from psa_engine.config.fields import (
    Label,
    Number,
    NumberOrDistribution,
    NumberOrText,
    Numbers,
    OneDistribution,
    OnInvalid,
    ParameterName,
    Precision,
    Sampler,
    Share,
    Status,
    Text,
    UnitOrUnits,
    Url,
    Whole,
    refusal,
)
from psa_engine.config.record import EVIDENCE, Record, exactly_one, named_evidence
from psa_engine.config.sensitivity import BudgetImpact, Ranges, Severity
from psa_engine.config.studies import CandidateStudy, DecisionPopulation
from psa_engine.config.units import UNITS


class Settings(Record):
    """How the analysis is run and reported; every key has a default."""

    n_draws: Annotated[Whole, Field(ge=1, le=10**10)] = 10_000
    seed: Annotated[Whole, Field(ge=0, lt=2**32)] = 1
    sampler: Sampler = "random"
    precision: Precision = "double"
    on_invalid: OnInvalid = "stop"
    wtp: Numbers = [25_000.0, 35_000.0]
    comparator: Text | None = None


class Horizon(Record, json_schema_extra=exactly_one("to_age", "years")):
    """How long the cohort is followed: to an age, or for a number of years."""

    to_age: Annotated[Number, Field(gt=0, le=120)] | None = None
    years: Annotated[Number, Field(gt=0, le=150)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "Horizon":
        if (self.to_age is None) == (self.years is None):
            raise refusal(
                "A horizon has one of the keys to_age and years", "Write {to_age: 100} or {years: 75}."
            )
        return self


class Time(Record):
    """The time axis: cycles, horizon, discounting. The number of cycles is rounded to a whole one."""

    cycles_per_year: Annotated[Number, Field(gt=0, le=366)]
    horizon: Horizon
    start_age: Annotated[Number, Field(ge=0, le=110)] | None = None
    discount_rate_costs: Annotated[Number, Field(ge=0, lt=1)] = 0.035
    discount_rate_effects: Annotated[Number, Field(ge=0, lt=1)] = 0.035
    cycle_correction: CycleCorrection = "half_cycle"
    discounting: Discounting = "compound"

    @property
    def years(self) -> float:
        """The length of the horizon in years."""
        horizon = self.horizon
        return horizon.years if horizon.years is not None else (horizon.to_age or 0) - (self.start_age or 0)

    @property
    def n_cycles(self) -> int:
        """The number of cycles in the horizon, to the nearest whole one."""
        return round(self.years * self.cycles_per_year)

    @model_validator(mode="after")
    def _has_cycles(self) -> "Time":
        if self.horizon.to_age is not None and self.start_age is None:
            raise refusal(
                "A horizon to an age needs start_age", "Add start_age, or write the horizon in years."
            )
        if self.n_cycles < 1:
            raise refusal(
                f"The horizon is {self.years:g} years, less than one cycle", "Check start_age and horizon."
            )
        return self


class Population(Record):
    """The background population; its tables by age ship with the package or are CSV files beside the file."""

    female: Share = 0.5
    life_table: Text | None = None
    utility_norms: Text | None = None


class Strategy(Record):
    """A strategy: its label in results, and the attributes that the model reads: numbers or names."""

    label: Text | None = None
    description: Text | None = None
    attributes: dict[Text, NumberOrText] = {}


class Product(Record, json_schema_extra=EVIDENCE):
    """A medicine's pack and prices: gives the parameters list_price[NAME] and discount[NAME]."""

    list_price: NumberOrDistribution = Field(description="The price of a pack, GBP.")
    discount: NumberOrDistribution = 0.0
    label: Text | None = None
    pack: Text | None = None
    source: Text | None = Field(None, description="A citation with its year.")
    url: Url | None = None
    status: Status = Field(description=f"One of {', '.join(get_args(Status))}.")
    note: Text | None = None

    _named = named_evidence()


class Parameter(Record, json_schema_extra={**EVIDENCE, **exactly_one("value", "distribution")}):
    """An input: a value or a distribution, its unit, what it is in words, and the evidence for it."""

    value: Number | None = None
    distribution: OneDistribution = None
    unit: UnitOrUnits = Field(
        description=f"One of {', '.join(UNITS)}; a joint distribution may have one a name."
    )
    label: Text = Field(description="What the parameter is, in words.")
    source: Text | None = Field(None, description="A citation with its year.")
    url: Url | None = None
    status: Status = Field(description=f"One of {', '.join(get_args(Status))}.")
    note: Text | None = None

    _named = named_evidence()

    @model_validator(mode="after")
    def _value_or_distribution(self) -> "Parameter":
        if (self.value is None) == (self.distribution is None):
            raise refusal(
                "A parameter has one of the keys value and distribution",
                "Write value: 0.3, or distribution: {beta: {events: 73, n: 315}}.",
            )
        return self


class TableSource(Record):
    """A table of parameters beside the configuration, one a row."""

    file: Text = Field(description="A .csv or .xlsx file, its path relative to the configuration.")
    sheet: Text | None = Field(None, description="The sheet; 'parameters' or else the first unless given.")

    @model_validator(mode="before")
    @classmethod
    def _file_alone(cls, given: Any) -> Any:
        return {"file": given} if isinstance(given, str) else given


class Correlation(Record):
    """A block of parameters whose normal scores are correlated: names, and the matrix in their order."""

    parameters: Annotated[list[ParameterName], Field(min_length=2)]
    matrix: list[list[Number]]
    source: Text | None = None
    note: Text | None = None


class Overlay(Record):
    """Changes laid over a configuration; what they give is checked again as a whole."""

    set: dict[ParameterName, NumberOrDistribution] = {}
    time: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    population: dict[str, Any] = {}
    strategies: dict[Label, dict[Text, NumberOrText]] = {}
    only: list[Label] | None = None


def _some_parameters(schema: dict[str, Any]) -> None:
    """In JSON Schema, a file's parameters may all be those of a table."""
    schema["required"].remove("parameters")
    schema["anyOf"] = [{"required": ["parameters"]}, {"required": ["parameters_from"]}]
    source = schema["properties"]["parameters_from"]
    source["anyOf"].insert(0, {"type": "string", "minLength": 1})


class Scenario(Overlay):
    """A named overlay: an assumption changed, to see what it does to the results."""

    description: Text = Field(description="What is changed and why, in words.")

    @model_validator(mode="after")
    def _changes_something(self) -> "Scenario":
        changes = (self.set, self.time, self.settings, self.population, self.strategies, self.only)
        # A subgroup may change nothing where no evidence was found that it differs.
        if not any(changes) and not isinstance(self, Subgroup):
            raise refusal("The scenario changes nothing", "Give set, time, settings, population or only.")
        return self


class Subgroup(Scenario):
    """A named overlay for a part of the population, with the evidence it rests on or that none was found."""

    evidence: Text = Field(description="What evidence the subgroup rests on, or that none was found.")
    status: Status = Field(description=f"One of {', '.join(get_args(Status))}.")


class Configuration(Record, json_schema_extra=_some_parameters):
    """A whole configuration file."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w-]*$", max_length=80)]
    title: Text = Field(description="One line saying what is compared in whom.")
    description: Text | None = None
    illustrative: Text | None = None
    model: Text = Field(description="The name of a registered model, or a Python file beside this one.")
    settings: Settings = Settings()
    time: Time
    population: Population = Population()
    strategies: Annotated[dict[Label, Strategy], Field(min_length=2, max_length=1_000)]
    products: dict[Label, Product] = {}
    parameters_from: TableSource | None = Field(
        None,
        description="A table with one parameter a row, beside those given here: its file, or file and sheet.",
    )
    parameters: Annotated[dict[ParameterName, Parameter], Field(min_length=1)]
    correlation: dict[Text, Correlation] = {}
    parameter_groups: dict[Text, Annotated[list[ParameterName], Field(min_length=1)]] = {}
    scenarios: Annotated[dict[Label, Scenario], Field(max_length=200)] = {}
    subgroups: Annotated[dict[Label, Subgroup], Field(max_length=200)] = {}
    studies: dict[Label, CandidateStudy] = {}
    decision_population: DecisionPopulation | None = None
    ranges: Ranges = {}
    severity: Severity | None = None
    budget_impact: BudgetImpact | None = None

    @model_validator(mode="after")
    def _age_is_given(self) -> "Configuration":
        by_age = self.population.life_table or self.population.utility_norms
        if by_age and self.time.start_age is None:
            raise refusal(f"The table '{by_age}' is by age, and time has no start_age", "Add time.start_age.")
        return self
