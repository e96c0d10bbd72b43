"""What the schema cannot see: names that must exist, blocks that must fit, scenarios that must hold."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from psa_engine.config.document import Document, YamlPath
from psa_engine.config.inputs import Input, inputs_of
from psa_engine.config.messages import input_error
from psa_engine.config.model_file import check_model_file, is_model_file
from psa_engine.config.overlay import overlaid
from psa_engine.config.registry import model_names
from psa_engine.config.schema import Configuration
from psa_engine.config.units import currency_of
from psa_engine.distributions.covariance import correlation_matrix
from psa_engine.errors import InputError, nearest


@dataclass(frozen=True)
class Checked:
    """A document that is valid, as records."""

    document: Document
    config: Configuration
    inputs: tuple[Input, ...]


def check(document: Document, known: Iterable[Input] = ()) -> Checked:
    """Validate a document, also with each of its scenarios and subgroups; InputError for the first fault.

    Needs neither JAX nor the model. `known` are inputs that were checked before.
    """
    checked = _check_one(document, known)
    # Scenarios are checked against the configuration they are written for, not on top of other overlays.
    if not document.applied:
        for kind in ("scenarios", "subgroups"):
            for name, overlay in document.content.get(kind, {}).items():
                changed = overlaid(document, overlay, (kind, name), f"{kind[:-1]} {name}")
                _check_one(changed, checked.inputs)
    return checked


def _check_one(document: Document, known: Iterable[Input]) -> Checked:
    try:
        config = Configuration.model_validate(document.content)
    except ValidationError as error:
        raise input_error(document, error) from None
    if is_model_file(config.model):
        check_model_file(config.model, document)
    else:
        _known(document, ("model",), "model", [config.model], model_names())
    comparator = [config.settings.comparator] if config.settings.comparator else []
    _known(document, ("settings", "comparator"), "strategy", comparator, config.strategies)
    inputs = inputs_of(config, document, known)
    _check_currency(inputs, document)
    _check_groups(config, inputs, document)
    _check_studies(config, inputs, document)
    _check_sensitivity(config, inputs, document)
    _check_correlation(config, inputs, document)
    return Checked(document, config, inputs)


def _known(
    document: Document, path: YamlPath, kind: str, names: Iterable[str], known: Collection[str]
) -> None:
    for name in names:
        if name not in known:
            raise document.error(path, f"There is no {kind} '{name}'", nearest(name, known))


def _check_currency(inputs: tuple[Input, ...], document: Document) -> None:
    first: tuple[str, str] | None = None
    for entry in inputs:
        for name in entry.names:
            currency = currency_of(entry.unit_of(name))
            if currency and first and currency != first[1]:
                raise document.error(
                    entry.path,
                    f"'{name}' is in {currency} and '{first[0]}' in {first[1]}",
                    "Convert one of them.",
                )
            first = first or ((name, currency) if currency else None)


def _check_groups(config: Configuration, inputs: tuple[Input, ...], document: Document) -> None:
    known = dict.fromkeys(sorted(name for entry in inputs for name in entry.names))
    for group, names in config.parameter_groups.items():
        path = ("parameter_groups", group)
        if group in known:
            raise document.error(
                path, f"The group '{group}' has the name of a parameter", "Give it another name."
            )
        before = set()
        for i, name in enumerate(names):
            _known(document, (*path, i), "parameter", [name], known)
            if name in before:
                raise document.error((*path, i), f"'{name}' is in the group '{group}' twice", "Remove one.")
            before.add(name)


def _check_studies(config: Configuration, inputs: tuple[Input, ...], document: Document) -> None:
    known = sorted({name for entry in inputs for name in entry.names})
    for label, study in config.studies.items():
        _known(document, ("studies", label, "design"), "parameter", study.design.parameters, known)


def _check_sensitivity(config: Configuration, inputs: tuple[Input, ...], document: Document) -> None:
    known = sorted({name for entry in inputs for name in entry.names})
    for label, ends in config.ranges.items():
        _known(document, ("ranges", label), "parameter", ends, known)
    if document.applied:  # a scenario may leave strategies out; what needs them is then left out too
        return
    care = [config.severity.standard_care] if config.severity else []
    _known(document, ("severity", "standard_care"), "strategy", care, config.strategies)
    for mix in ("current", "future"):
        named = getattr(config.budget_impact, mix, {})
        _known(document, ("budget_impact", mix), "strategy", named, config.strategies)


def _check_correlation(config: Configuration, inputs: tuple[Input, ...], document: Document) -> None:
    """Blocks name single uncertain parameters, each once, and hold a correlation matrix."""
    single = {entry.name: entry for entry in inputs if entry.names == (entry.name,)}
    joint = {name: entry.name for entry in inputs if entry.name not in single for name in entry.names}
    block_of: dict[str, str] = {}
    for label, block in config.correlation.items():
        for i, name in enumerate(block.parameters):
            path = ("correlation", label, "parameters", i)
            if name in joint:
                raise document.error(
                    path,
                    f"'{name}' is part of the joint distribution '{joint[name]}'",
                    "Its dependence is given there.",
                )
            _known(document, path, "parameter", [name], single)
            if single[name].is_fixed:
                raise document.error(
                    path, f"'{name}' is fixed and cannot be correlated", "Give it a distribution."
                )
            if name in block_of:
                raise document.error(
                    path,
                    f"'{name}' is in the block '{block_of[name]}' already",
                    "Merge the blocks, or remove it.",
                )
            block_of[name] = label
        _check_matrix(label, block.parameters, block.matrix, document)


def _check_matrix(label: str, names: list[str], matrix: list[list[float]], document: Document) -> None:
    path = ("correlation", label, "matrix")
    if any(len(row) != len(matrix[0]) for row in matrix):
        raise document.error(
            path, f"The rows of the matrix of '{label}' differ in length", "One number a parameter."
        )
    try:
        correlation_matrix(f"The block '{label}'", matrix, tuple(names))
    except InputError as error:
        raise document.error(path, error.message, error.hint) from None
