"""YAML text to plain Python values with line numbers: YAML 1.2 (section 10.3.2) and nothing that runs code.

`no` is text and 1e5 a number, as in YAML 1.2. Tags, merge keys, duplicate keys and several documents in one
file are refused; size, depth and what aliases expand to are bounded.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psa_engine.config.document import Document, YamlPath
from psa_engine.config.parameter_table import with_tabled_parameters
from psa_engine.errors import InputError
from psa_engine.plain_text import UNPRINTABLE

MAX_BYTES = 1_048_576
MAX_DEPTH = 30
MAX_VALUES = 50_000

_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]{1,300}")
_BASED = re.compile(r"0o[0-7]{1,60}|0x[0-9a-fA-F]{1,60}")
_REAL = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


def read_document(path: Path) -> Document:
    """Read a file; InputError where it is missing, too large, or not a YAML mapping in UTF-8."""
    if not path.is_file():
        raise InputError(f"There is no configuration file '{path}'.", hint="Check the path.")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"The file {path.name} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise InputError(
            f"The file {path.name} is larger than {MAX_BYTES:,} bytes.",
            hint="Keep tables of samples in CSV files beside the configuration.",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"The file {path.name} is not text in UTF-8.", hint="Give a YAML file.") from None
    return read_text(text, path.name, path.parent)


def read_text(text: str, file: str = "configuration", folder: Path = Path()) -> Document:
    """Return the Document in YAML `text`; `file` is its name in messages, `folder` where its tables are.

    Parameters of a table that it names are read and stand among its own.
    """
    content, lines = _Builder(text, file).document()
    if content is None:
        raise InputError(
            f"The file {file} is empty.", hint="A configuration starts with 'name:' and 'model:'."
        )
    if not isinstance(content, dict):
        kind = "a list" if isinstance(content, list) else "a single value"
        raise InputError(
            f"The file {file} holds {kind}, not a mapping of keys to values.",
            hint="Is it a YAML configuration?",
        )
    return with_tabled_parameters(Document(content, file, text, folder, lines))


class _Builder:
    """Builds the value of one document from the parser's events, bounding it as it grows."""

    def __init__(self, text: str, file: str):
        self.file, self.lines, self.count = file, {}, 0
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.events = self._parse(text)

    def _parse(self, text: str) -> Iterator[Any]:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            # Pure Python: the C parser follows YAML 1.1, in which `no` is false.
            yield from YAML(typ="safe", pure=True).parse(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f", line {mark.line + 1}" if mark else ""
            raise InputError(
                f"This is not YAML ({self.file}{line}): {error.problem or error.context}."
            ) from None
        except (YAMLError, ValueError, OverflowError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(f"This is not YAML ({self.file}): {reason}.") from None

    def document(self) -> tuple[Any, dict[YamlPath, int]]:
        value, n_documents = None, 0
        for event in self.events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                n_documents += 1
                if n_documents > 1:
                    raise self._error(
                        event, (), "A second document starts here", "One file holds one configuration."
                    )
                if event.version or event.tags:
                    raise self._error(
                        event, (), "A % directive is not accepted", "Remove it; the file is YAML 1.2."
                    )
            elif kind not in ("StreamStartEvent", "StreamEndEvent", "DocumentEndEvent"):
                value = self._value(event, ())
        return value, self.lines

    def _value(self, event: Any, path: YamlPath) -> Any:
        self.count += 1
        self._check_bounds(event, path)
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event, path)
        self._refuse_tag(event, path)
        before = self.count
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if kind == "MappingStartEvent":
            value: Any = self._mapping(path)
        elif kind == "SequenceStartEvent":
            value = self._sequence(path)
        else:
            self._refuse_unprintable(event, path)
            value = _scalar(event.value) if event.implicit[0] else event.value
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.count - before + 1)
        return value

    def _mapping(self, path: YamlPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self.events:
            kind = type(event).__name__
            if kind == "MappingEndEvent":
                break
            if kind != "ScalarEvent":
                raise self._error(
                    event, path, "A key must be text", "Put names with special characters in quotes."
                )
            self._refuse_unprintable(event, path)
            key = event.value
            self.lines.setdefault((*path, key), event.start_mark.line + 1)
            self._refuse_tag(event, path)
            if key == "<<" and event.implicit[0]:
                raise self._error(event, path, "The merge key '<<' is not accepted", "Write the keys out.")
            if key == "":
                raise self._error(event, path, "A key is empty", "Give it a name.")
            if key in mapping:
                first = self.lines[(*path, key)]
                raise self._error(
                    event,
                    (*path, key),
                    f"The key '{key}' is given twice, first on line {first}",
                    "Remove one.",
                )
            mapping[key] = self._value(next(self.events), (*path, key))
        return mapping

    def _sequence(self, path: YamlPath) -> list[Any]:
        sequence: list[Any] = []
        for event in self.events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            item = (*path, len(sequence))
            self.lines[item] = event.start_mark.line + 1
            sequence.append(self._value(event, item))
        return sequence

    def _alias(self, event: Any, path: YamlPath) -> Any:
        known = self.anchors.get(event.anchor)
        if known is None:
            raise self._error(
                event, path, f"The alias '*{event.anchor}' has no value before it", "Write the value out."
            )
        value, size = known
        self.count += size - 1
        self._check_bounds(event, path)
        return value

    def _refuse_tag(self, event: Any, path: YamlPath) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._error(
                event, path, f"The tag '{tag}' is not accepted", "Write plain values without tags."
            )

    def _refuse_unprintable(self, event: Any, path: YamlPath) -> None:
        found = UNPRINTABLE.search(event.value)
        if found:
            raise self._error(
                event, path, f"This holds the character {found[0]!a}, which cannot be printed", "Remove it."
            )

    def _check_bounds(self, event: Any, path: YamlPath) -> None:
        if len(path) > MAX_DEPTH:
            raise self._error(
                event, path[:3], f"This is nested more than {MAX_DEPTH} levels deep", "Flatten it."
            )
        if self.count > MAX_VALUES:
            raise self._error(
                event,
                path,
                f"The file expands to more than {MAX_VALUES:,} values",
                "Keep tables in CSV files.",
            )

    def _error(self, event: Any, path: YamlPath, message: str, hint: str) -> InputError:
        here = {path[:k]: event.start_mark.line + 1 for k in range(1, len(path) + 1)}
        document = Document(None, self.file, "", lines=here)
        if path:
            return document.error(path, message, hint)
        return InputError(f"{message} ({self.file}, line {event.start_mark.line + 1}).", hint=hint)


def _scalar(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _REAL.fullmatch(text):
        return float(text.replace(".inf", "inf").replace(".nan", "nan") if text[-1] in "fFnN" else text)
    return text
