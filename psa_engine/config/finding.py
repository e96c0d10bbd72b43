"""Finding a configuration by path, or by the name of one that ships with the package; and the schema of all."""

import re
from pathlib import Path

from psa_engine.errors import InputError, nearest

SCHEMA_FILE = Path(__file__).parent / "schema.json"
"""The JSON Schema of configurations."""

SCHEMA_COMMENT = "# yaml-language-server: $schema="
"""How a configuration names its schema to editors, in its first line."""

_PACKAGE = Path(__file__).parents[1]


def find_config(path_or_name: str | Path) -> Path:
    """Return the file of a path or of the name of a shipped configuration; InputError where there is none."""
    path = Path(path_or_name)
    if path.is_file():
        return path
    if path.is_dir():
        raise InputError(f"'{path}' is a folder, not a configuration file.", hint="Give the YAML file in it.")
    shipped = _shipped()
    if str(path_or_name) in shipped:
        return shipped[str(path_or_name)]
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise InputError(
            f"There is no configuration file '{path}'.", hint="Check the path and the folder you are in."
        )
    raise InputError(f"There is no configuration '{path}'.", hint=nearest(str(path), sorted(shipped)))


def config_names() -> list[str]:
    """Return the names of the configurations that ship with the package, sorted."""
    return sorted(_shipped())


def with_schema_beside(text: str) -> str:
    """Return a configuration's text with its first line naming the schema in a file beside it."""
    line = f"{SCHEMA_COMMENT}psa_engine.schema.json  (made by: psa-engine schema > psa_engine.schema.json)"
    return re.sub(rf"^{re.escape(SCHEMA_COMMENT)}.*", line, text)


def _shipped() -> dict[str, Path]:
    return {file.stem: file for folder in _folders() for file in sorted(folder.glob("*.yaml"))}


def _folders() -> list[Path]:
    # Installed they lie inside the package; in a source checkout beside it, where pyproject.toml is.
    checkout = _PACKAGE.parent
    beside = [checkout / "configs"] if (checkout / "pyproject.toml").is_file() else []
    return [folder for folder in (_PACKAGE / "configs", *beside) if folder.is_dir()]
