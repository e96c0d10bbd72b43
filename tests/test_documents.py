"""The documentation is real: its code runs, its links lead somewhere, its tables are those of a run."""

import json
import re

import documents
import pytest
import typer
from documents import DOCS, NOT_FOLLOWED, PAGES, blocks, commands, follow, shown
from readme import numbers
from ruamel.yaml import YAML

import psa_engine as pe
from psa_engine.cli.app import app
from psa_engine.config.parameter_table import COLUMNS
from psa_engine.config.schema import Configuration

MKDOCS = YAML(typ="safe").load((DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8"))
FOLLOWED = [
    page
    for page in PAGES
    if page.name not in NOT_FOLLOWED and any(b.language not in documents.SHOWN_ONLY for b in blocks(page))
]
LONGER = ("prices.md", "information.md", "reports.md")


def name_of(page):
    return str(page.relative_to(DOCS))


def text_of(name):
    return (DOCS / name).read_text(encoding="utf-8")


def listed(nav):
    """The files that a part of the navigation names."""
    if isinstance(nav, str):
        return [nav]
    parts = nav if isinstance(nav, list) else list(nav.values())
    return [file for part in parts for file in listed(part)]


@pytest.mark.parametrize("page", [page for page in FOLLOWED if page.name not in LONGER], ids=name_of)
def test_what_a_page_shows_works_in_its_order(page, tmp_path):
    done_as_shown(page, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in FOLLOWED if page.name in LONGER], ids=name_of)
def test_what_a_page_of_longer_runs_shows_works_in_its_order(page, tmp_path):
    done_as_shown(page, tmp_path)


def done_as_shown(page, tmp_path):
    follow(page, tmp_path)
    for file in tmp_path.glob("results/*/results.json"):
        results = json.loads(file.read_text())
        for found, expected in shown(page, results) if results.get("name") == file.parent.name else ():
            assert numbers(found) == pytest.approx(numbers(expected), rel=1e-3)


def test_the_commands_of_pages_that_are_not_followed_have_the_options_they_show():
    options = {opt for command in app_commands().values() for p in command.params for opt in p.opts}
    words = {w for page in PAGES for line in commands(page) for w in line.split() if w.startswith("--")}
    assert words <= options


def app_commands():
    return typer.main.get_command(app).commands


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_each_link_within_the_documentation_leads_to_a_page(page):
    links = re.findall(r"\]\(([^)# ]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).is_file()]
    assert missing == []


def test_the_navigation_leads_to_pages_that_are_there():
    assert [file for file in listed(MKDOCS["nav"]) if not (DOCS / file).is_file()] == []


def test_the_reference_has_a_page_for_the_public_names_of_every_room():
    included = {room for page in (DOCS / "reference").iterdir() for room in re.findall(
        r"build/generated/(psa_engine\.\w+)\.md", page.read_text(encoding="utf-8"))}  # fmt: skip
    assert included == set(pe._HOME)


def test_the_reference_names_every_key_of_a_configuration():
    page = text_of("reference/configuration.md")
    assert [key for key in Configuration.model_fields if f"`{key}`" not in page] == []


def test_a_column_that_the_page_on_tables_shows_is_one():
    shown = text_of("howto/tables.md").split("\n| ")[1].split("|\n")[0].split("|")
    assert {name.strip().replace(" ", "_") for name in shown} <= set(COLUMNS)


def test_the_documentation_shows_commands_of_known_programs_only():
    programs = {command.split()[0] for page in PAGES for command in commands(page)}
    assert programs <= {"psa-engine", *documents.OTHERS}
