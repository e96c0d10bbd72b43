"""From a configuration file to what is run: parameters, model and plan."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psa_engine.cache import key_of
from psa_engine.config.checks import Checked, check
from psa_engine.config.companions import named_files
from psa_engine.config.discounts import WORDS, without_values
from psa_engine.config.document import OVERRIDE, Document
from psa_engine.config.evidence import Evidence, ledger
from psa_engine.config.finding import find_config
from psa_engine.config.model_file import build_from_file, is_model_file, model_file_bytes
from psa_engine.config.overlay import overlaid
from psa_engine.config.reading import read_document
from psa_engine.config.registry import SHIPPED, model_builder
from psa_engine.config.schema import Configuration, Product, Scenario, Settings, Strategy, Subgroup
from psa_engine.config.studies import CandidateStudy, DecisionPopulation
from psa_engine.config.units import currency_of
from psa_engine.errors import InputError, nearest

if TYPE_CHECKING:
    from psa_engine.accrual import Timeline
    from psa_engine.engine import RunPlan
    from psa_engine.parameters import ParameterSet


@dataclass(frozen=True, eq=False)
class Analysis:
    """A configuration made ready to run, with what the report says about it.

    `text` is the file as written, `applied` the overlays laid over it, and `config_hash` (SHA-256) changes
    with whatever can change a result, tables and a model file beside it included. `currency` is that of its money.
    """

    model: Any
    parameters: "ParameterSet"
    plan: "RunPlan"
    timeline: "Timeline"
    ledger: tuple[Evidence, ...]
    config_hash: str
    checked: Checked

    @property
    def config(self) -> Configuration:
        """The configuration as records, overlays included."""
        return self.checked.config

    @property
    def name(self) -> str:
        """The name of the analysis."""
        return self.config.name

    @property
    def title(self) -> str:
        """One line saying what is compared in whom."""
        return self.config.title

    @property
    def description(self) -> str:
        """Free text; empty where none is given."""
        return self.config.description or ""

    @property
    def illustrative(self) -> str:
        """Why the results are illustrative; empty where they are not said to be."""
        return self.config.illustrative or ""

    @property
    def settings(self) -> Settings:
        """Draws, seed, sampler, precision, willingness to pay, comparator."""
        return self.config.settings

    @property
    def strategies(self) -> dict[str, Strategy]:
        """The strategies compared: label and attributes by name."""
        return self.config.strategies

    @property
    def products(self) -> dict[str, Product]:
        """Packs and prices by name of the product."""
        return self.config.products

    @property
    def groups(self) -> dict[str, list[str]]:
        """Named groups of parameters."""
        return self.config.parameter_groups

    @property
    def scenarios(self) -> dict[str, Scenario]:
        """The scenarios of the file by name."""
        return self.config.scenarios

    @property
    def subgroups(self) -> dict[str, Subgroup]:
        """The subgroups of the file by name."""
        return self.config.subgroups

    @property
    def studies(self) -> dict[str, CandidateStudy]:
        """The candidate studies of the file by name."""
        return self.config.studies

    @property
    def decision_population(self) -> DecisionPopulation | None:
        """The people whose treatment the decision settles, where the file says."""
        return self.config.decision_population

    @property
    def ranges(self) -> dict[str, dict[str, list[float]]]:
        """The named ranges of the file: name -> parameter -> [low, high]."""
        return self.config.ranges

    @property
    def text(self) -> str:
        """The configuration file as written."""
        return self.checked.document.text

    @property
    def applied(self) -> tuple[str, ...]:
        """In words, the overlays applied, first to last."""
        return self.checked.document.applied

    @property
    def confidential(self) -> frozenset[str]:
        """The products whose discount is confidential: used, and never said."""
        return self.checked.document.confidential

    @property
    def currency(self) -> str:
        """The currency of its money units; GBP where it has none."""
        units = (currency_of(entry.unit) for entry in self.ledger)
        return next((currency for currency in units if currency), "GBP")

    def label(self, strategy: str) -> str:
        """Return the label of a strategy in results: its own, or its name."""
        return self.strategies[strategy].label or strategy

    def with_scenario(self, name: str) -> "Analysis":
        """Return the analysis under one of its scenarios; InputError for an unknown name."""
        return self._overlaid(self._listed("scenarios", name), ("scenarios", name), f"scenario {name}")

    def with_subgroup(self, name: str) -> "Analysis":
        """Return the analysis of one of its subgroups; InputError for an unknown name."""
        return self._overlaid(self._listed("subgroups", name), ("subgroups", name), f"subgroup {name}")

    def with_overrides(self, values: Mapping[str, Any]) -> "Analysis":
        """Return the analysis with parameters or prices set to numbers or distribution mappings.

        InputError for an unknown name, or a value outside the parameter's unit.
        """
        plain = {name: _plain(value) for name, value in values.items()}
        words = ", ".join(
            f"{name}={value:g}" if isinstance(value, float) else name for name, value in plain.items()
        )
        return self._overlaid({"set": plain}, (OVERRIDE,), words) if plain else self

    def with_discounts(self, discounts: Mapping[str, float], show: bool = False) -> "Analysis":
        """Return the analysis at confidential discounts by product, which nothing says unless `show`.

        InputError for an unknown product.
        """
        for product in discounts:
            if product not in self.products:
                raise InputError(
                    f"There is no product '{product}'.",
                    path="--discounts",
                    hint=nearest(product, self.products),
                )
        values = {f"discount[{product}]": float(value) for product, value in discounts.items()}
        words = f"{WORDS} {', '.join(discounts)}"
        if show:
            words += ": " + ", ".join(f"{name}={value:g}" for name, value in values.items())
        document = overlaid(self.checked.document, {"set": values}, (OVERRIDE,), words)
        if not show:
            document = replace(document, confidential=document.confidential | set(discounts))
        return prepare(check(document, self.checked.inputs), self.parameters)

    def with_settings(self, /, **settings: Any) -> "Analysis":
        """Return the analysis with other settings: any key of `settings` in the file, as n_draws=1000."""
        words = ", ".join(f"{name}={value}" for name, value in settings.items())
        return self._overlaid({"settings": settings}, (OVERRIDE,), words) if settings else self

    def _listed(self, kind: str, name: str) -> Mapping[str, Any]:
        listed = self.checked.document.content.get(kind, {})
        if name not in listed:
            raise InputError(
                f"There is no {kind[:-1]} '{name}' in {self.name}.", path=kind, hint=nearest(name, listed)
            )
        return listed[name]

    def _overlaid(self, overlay: Mapping[str, Any], origin: tuple[str, ...], words: str) -> "Analysis":
        document = overlaid(self.checked.document, overlay, origin, words)
        return prepare(check(document, self.checked.inputs), self.parameters)


def load_analysis(path_or_name: str | Path, allow_model_file: bool = False) -> Analysis:
    """Read a configuration by path, or by the name of one that ships, and make it ready to run.

    A model that is a path to a Python file is run only with `allow_model_file`. InputError, with the YAML path
    and line, for anything that cannot be used.
    """
    return prepare(check_config(path_or_name, allow_model_file))


def check_config(path_or_name: str | Path, allow_model_file: bool = False) -> Checked:
    """Validate a configuration file without loading its model (or JAX); InputError for the first fault."""
    document = read_document(find_config(path_or_name))
    return check(replace(document, allows_model_file=allow_model_file))


def prepare(checked: Checked, base: "ParameterSet | None" = None) -> Analysis:
    """Build the parameters, the timeline, the model and the plan of a valid configuration.

    Under an overlay, `base` are the parameters before it: what it only holds at a number keeps its place
    among them, so that what was compiled for the base case serves the overlay too.
    """
    from psa_engine.engine import RunPlan

    config = checked.config
    timeline = _timeline(checked)
    model, source = _model(checked, timeline)
    settings = config.settings
    return Analysis(
        model=model,
        parameters=_parameters(checked, base),
        plan=RunPlan(
            n_draws=settings.n_draws,
            seed=settings.seed,
            sampler=settings.sampler,
            precision=settings.precision,
            on_invalid=settings.on_invalid,
        ),
        timeline=timeline,
        ledger=ledger(checked.inputs, checked.document),
        config_hash=_hash(checked.document, source),
        checked=checked,
    )


def _model(checked: Checked, timeline: "Timeline") -> tuple[Any, bytes]:
    """The model, and the bytes of the file that it is in where it is not a registered one."""
    name, document = checked.config.model, checked.document
    strategies = {name: strategy.attributes for name, strategy in checked.config.strategies.items()}
    if name in SHIPPED:
        return _shipped(name, timeline, strategies), b""
    if not is_model_file(name):
        return model_builder(name)(timeline, strategies), b""
    source = model_file_bytes(name, document)
    return build_from_file(name, source, document, timeline, strategies), source


def _shipped(name: str, timeline: "Timeline", strategies: Mapping[str, Any]) -> Any:
    """Build a model of this package: its module, the package's source and the arguments are all it is made of."""
    model, module = model_builder(name)(timeline, strategies), SHIPPED[name].partition(":")[0]
    return model.known_as(key_of(name, timeline, strategies, import_module(module)))


def _parameters(checked: Checked, base: "ParameterSet | None") -> "ParameterSet":
    from psa_engine.distributions import Fixed
    from psa_engine.parameters import ParameterSet

    config = checked.config
    entries: dict[str, Any] = {entry.name: entry.given for entry in checked.inputs}
    if base is None:
        blocks = {name: (block.parameters, block.matrix) for name, block in config.correlation.items()}
        return ParameterSet(entries, correlation=blocks, groups=config.parameter_groups)
    held = {
        name: float(given.mean if isinstance(given, Fixed) else given)
        for name, given in entries.items()
        if isinstance(given, Fixed | int | float) and name in base.structure.scores
    }
    kept = {name: base.entries[name] for name in held}
    return ParameterSet({**entries, **kept}, base.correlation, config.parameter_groups, held)


def _timeline(checked: Checked) -> "Timeline":
    from psa_engine.accrual import Timeline, read_age_table

    time, population, document = checked.config.time, checked.config.population, checked.document
    tables = {}
    for kind in ("life_table", "utility_norms"):
        name = getattr(population, kind)
        try:
            tables[kind] = read_age_table(name, document.folder) if name else None
        except InputError as error:
            raise document.error(("population", kind), error.message, error.hint) from None
    return Timeline(
        cycles_per_year=time.cycles_per_year,
        n_cycles=time.n_cycles,
        start_age=time.start_age or 0.0,
        female=population.female,
        discount_rate_costs=time.discount_rate_costs,
        discount_rate_effects=time.discount_rate_effects,
        cycle_correction=time.cycle_correction,
        discounting=time.discounting,
        **tables,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    return dict(value) if isinstance(value, Mapping) else value


def _hash(document: Document, model_source: bytes) -> str:
    """SHA-256 of the content, overlays included and unused ones left out, and of the files it names."""
    content = {key: value for key, value in document.content.items() if key not in ("scenarios", "subgroups")}
    if document.confidential:
        content = without_values(content, document.confidential)
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode())
    for path in sorted(set(named_files(content, document.folder).values())):
        if not is_model_file(path.name):
            digest.update(path.read_bytes())
    digest.update(model_source)
    return digest.hexdigest()
