"""Writing the starter files, with the starter's own parameters or those of a table."""

import re
from pathlib import Path
from typing import Any

from psa_engine.config.finding import with_schema_beside
from psa_engine.config.parameter_table import read_parameter_table
from psa_engine.errors import InputError

_HERE = Path(__file__).parent
_NAME = re.compile(r"[A-Za-z0-9][\w-]*")
# What of the starter names its own parameters.
_OF_ITS_PARAMETERS = ("correlation", "parameter_groups", "scenarios", "studies", "decision_population")


def written_starter(
    name: str, folder: Path, table: Path | None = None, sheet: str | None = None
) -> tuple[Path, Path]:
    """Write NAME.yaml and NAME.py into a folder and return their paths; with `table`, its parameters in the YAML.

    InputError for a name that cannot be one, for a file that is there already, and where nothing can be written.
    """
    if not _NAME.fullmatch(name) or len(name) > 80:
        raise InputError(
            f"'{name}' cannot be the name of an analysis.",
            hint="Use letters, digits, - and _, without an ending.",
        )
    texts = {
        folder / f"{name}.yaml": _configuration(name, table, sheet),
        folder / f"{name}.py": _named((_HERE / "model.py").read_text(encoding="utf-8"), name),
    }
    there = [path for path in texts if path.exists()]
    if there:
        raise InputError(f"'{there[0]}' is there already and is left as it is.", hint="Choose another name.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise InputError(
            f"The folder '{folder}' cannot be written: {error.strerror or error}.",
            hint="Choose another with --out.",
        ) from None
    configuration, model = texts
    return configuration, model


def _configuration(name: str, table: Path | None, sheet: str | None) -> str:
    text = with_schema_beside((_HERE / "configuration.yaml").read_text(encoding="utf-8"))
    if table is not None:
        text = _with_parameters(text, read_parameter_table(table, sheet).parameters)
    return _named(text, name)


def _named(text: str, name: str) -> str:
    text = re.sub(r"\bstarter(?=\.(py|yaml)\b)", name, text)
    return re.sub(r"^name: starter$", f"name: {name}", text, flags=re.MULTILINE)


def _with_parameters(text: str, parameters: dict[str, dict[str, Any]]) -> str:
    """The configuration with other parameters, and without what named the former ones."""
    from io import StringIO

    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap

    yaml = YAML()
    yaml.width = 110
    listed = CommentedMap()
    for name, parameter in parameters.items():
        listed[name] = CommentedMap(parameter)
        if "distribution" in parameter:
            listed[name]["distribution"] = _on_one_line(parameter["distribution"])
    out = StringIO()
    yaml.dump({"parameters": listed}, out)
    sections = re.split(r"(?m)^(?=\w+:)", text)
    kept = [s for s in sections if not s.startswith(tuple(f"{key}:" for key in _OF_ITS_PARAMETERS))]
    return "".join(out.getvalue() if s.startswith("parameters:") else s for s in kept)


def _on_one_line(distribution: Any) -> Any:
    from ruamel.yaml.comments import CommentedMap

    mapping = CommentedMap(distribution)
    mapping.fa.set_flow_style()
    return mapping
