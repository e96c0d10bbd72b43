"""The parts of the documentation that are read off the program: commands with their options, units, public names."""

from pathlib import Path

import typer

import psa_engine as pe
from psa_engine.cli.app import app
from psa_engine.config import UNITS

FOLDER = Path("build/generated")


def commands() -> str:
    parts = []
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        words = [p.name.upper() for p in command.params if p.param_type_name == "argument"]
        rows = [f"| `{', '.join(p.opts + p.secondary_opts)}` | {shown(p.help)} |" for p in options(command)]
        table = ["| option | |", "|---|---|", *rows, ""] if rows else []
        parts += [
            f"## {name}",
            "",
            f"`psa-engine {' '.join([name, *words])}`",
            "",
            shown(command.help),
            "",
            *table,
        ]
    return "\n".join(parts)


def options(command):
    return [p for p in command.params if p.param_type_name == "option" and p.name != "help"]


def shown(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


def units() -> str:
    rows = [f"| {name} | {unit.range_text} |" for name, unit in UNITS.items()]
    return "\n".join(["| unit | a value is |", "|---|---|", *rows, ""])


def names_of(room: str) -> str:
    """What mkdocstrings makes a description of: each public name of a room by where it is defined."""
    parts = []
    for name in pe._HOME[room].split():
        defined = getattr(pe, name)
        if hasattr(defined, "__qualname__"):
            parts.append(f"::: {defined.__module__}.{defined.__qualname__}\n")
        else:
            parts.append(f"### `{name}`\n\nThe constant `{defined!r}`.\n")
    return "\n".join(parts)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for room in pe._HOME:
        (FOLDER / f"{room}.md").write_text(names_of(room), encoding="utf-8")
    (FOLDER / "command_line.md").write_text(commands(), encoding="utf-8")
    (FOLDER / "units.md").write_text(units(), encoding="utf-8")


if __name__ == "__main__":
    main()
