"""Candidate studies in a configuration: their design, sizes and cost, and the records that EVSI reads."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from psa_engine.config.fields import Number, ParameterName, Share, Status, Text, Url, Whole
from psa_engine.config.record import EVIDENCE, Record, exactly_one, named_evidence, one_of

NonNegative = Annotated[Number, Field(ge=0)]
Positive = Annotated[Number, Field(gt=0)]


_ENDPOINTS = ("binary", "continuous", "skewed", "count", "time_to_event")
_DESIGNS = ("two_arm_trial", "single_arm", "utility_cohort", "cost_cohort", "multinomial")


class EndpointDesign(Record, json_schema_extra=exactly_one(*_ENDPOINTS)):
    """What is measured on each patient; exactly one key."""

    binary: dict[str, Any] | None = None
    continuous: dict[str, Number] | None = None
    skewed: dict[str, Number] | None = None
    count: dict[str, Number] | None = None
    time_to_event: dict[str, Number] | None = None

    _one = one_of("An endpoint", *_ENDPOINTS)


class TwoArmDesign(Record):
    """A randomised trial: the control arm's parameter, and the treated arm's or the effect that acts on it."""

    endpoint: EndpointDesign
    control: ParameterName | Number
    treated: ParameterName | None = None
    effect: list[ParameterName] | None = None
    scale: Text | None = None
    allocation: Share = 0.5


class SingleArmDesign(Record):
    """One group of patients: parameter to endpoint."""

    endpoints: Annotated[dict[ParameterName, EndpointDesign], Field(min_length=1)]


class UtilityCohort(Record):
    """A cohort that answers a utility questionnaire."""

    parameter: ParameterName
    sd: Positive


class CostCohort(Record):
    """A cohort whose costs are recorded."""

    parameter: ParameterName
    cv: Positive


class MultinomialDesign(Record):
    """Patients counted in categories."""

    categories: Annotated[list[ParameterName], Field(min_length=2)]


class Design(Record, json_schema_extra=exactly_one(*_DESIGNS)):
    """How a study is made; exactly one key."""

    two_arm_trial: TwoArmDesign | None = None
    single_arm: SingleArmDesign | None = None
    utility_cohort: UtilityCohort | None = None
    cost_cohort: CostCohort | None = None
    multinomial: MultinomialDesign | None = None

    _one = one_of("A design", *_DESIGNS)

    @property
    def parameters(self) -> list[str]:
        """Every parameter that the design names."""
        if self.two_arm_trial:
            t = self.two_arm_trial
            named = [t.control, t.treated, *(t.effect or [])]
            return [n for n in named if isinstance(n, str)]
        if self.single_arm:
            return list(self.single_arm.endpoints)
        if self.multinomial:
            return list(self.multinomial.categories)
        cohort = self.utility_cohort or self.cost_cohort
        return [cohort.parameter] if cohort else []


class Cost(Record):
    """What a study costs."""

    fixed: NonNegative = 0.0
    per_patient: NonNegative = 0.0


class CandidateStudy(Record, json_schema_extra=EVIDENCE):
    """A study that could be done: what it would inform, in how many patients, at what cost."""

    description: Text
    design: Design
    n: Annotated[list[Annotated[Whole, Field(ge=1)]], Field(min_length=1)]
    cost: Cost = Cost()
    source: Text | None = None
    url: Url | None = None
    status: Status
    note: Text | None = None

    _named = named_evidence()

    @property
    def study(self) -> Any:
        """The study record that value-of-information methods take; InputError where it is refused."""
        return study_of(self.design)


class DecisionPopulation(Record, json_schema_extra=EVIDENCE):
    """The people whose treatment the decision settles."""

    annual_incidence: NonNegative = 0.0
    prevalence: NonNegative = 0.0
    horizon_years: NonNegative = 0.0
    discount_rate: Annotated[Number, Field(ge=0, lt=1)] = 0.035
    source: Text | None = None
    url: Url | None = None
    status: Status
    note: Text | None = None

    _named = named_evidence()


def study_of(design: Design) -> Any:
    """Return the study record of `psa_engine.voi.evsi` that a design describes; InputError where it is refused."""
    from psa_engine import voi

    if design.two_arm_trial:
        t = design.two_arm_trial
        effect = tuple(t.effect) if t.effect else None
        return voi.TwoArmTrial(
            _endpoint(t.endpoint),
            t.control,
            treated=t.treated,
            effect=effect,
            scale=t.scale,
            allocation=t.allocation,
        )
    if design.single_arm:
        return voi.SingleArm({name: _endpoint(e) for name, e in design.single_arm.endpoints.items()})
    if design.utility_cohort:
        return voi.utility_cohort(design.utility_cohort.parameter, design.utility_cohort.sd)
    if design.cost_cohort:
        return voi.cost_cohort(design.cost_cohort.parameter, design.cost_cohort.cv)
    assert design.multinomial is not None
    return voi.Multinomial(tuple(design.multinomial.categories))


def _endpoint(design: EndpointDesign) -> Any:
    from psa_engine import voi
    from psa_engine.errors import InputError

    made = {
        "binary": voi.Binary,
        "continuous": voi.Continuous,
        "skewed": voi.Skewed,
        "count": voi.Count,
        "time_to_event": voi.TimeToEvent,
    }
    name, given = next((k, getattr(design, k)) for k in made if getattr(design, k) is not None)
    try:
        return made[name](**_plain(given))
    except TypeError as error:
        raise InputError(f"The endpoint '{name}' does not take {dict(given)}: {error}.") from None


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    return {str(k): v for k, v in given.items()}
