"""Confidential discounts: used, and found in nothing that is written or printed."""

import json
from zipfile import ZipFile

import numpy as np
import pytest
from command_line import psa_engine
from packs import MODEL, write_packs

import psa_engine as pe
from psa_engine.config import read_discounts

SECRET = 0.371946
SPELLINGS = (".371946", "37.1946", ",371946", ".628054", "62.8054")
"""Long enough that no other number looks like it by chance."""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("confidential")
    write_packs(folder)
    (folder / "secret.csv").write_text(f"product,discount\npill,{SECRET:.4%}\n")
    return folder


@pytest.fixture(scope="module")
def said(config):
    """Everything that the commands write and print at the confidential discount, by where it was found."""
    out = config / "out"
    common = (config / "two.yaml", "--allow-model-file", "--discounts", config / "secret.csv")
    small = ("--draws", 200)
    in_blocks = ("--draws", 600, "--block", 256, "--keep-blocks")
    done = {
        "run": psa_engine(
            "run", *common, *in_blocks, "--scenario", "all", "--excel", out / "x.xlsx", "--out", out / "run"
        ),
        "json": psa_engine("run", *common, *small, "--json", "--out", out / "json"),
        "tornado": psa_engine("tornado", *common, "--out", out / "tornado"),
        "reduced": psa_engine("run", *common, *small, "--reduce", "--out", out / "reduced"),
        "price": psa_engine("price", *common, *small, "--product", "aspirin", "--out", out / "price"),
        "sweep": psa_engine(
            "sweep", *common, *small, "--over", "cost_treatment=0,9", "--out", out / "s.parquet"
        ),
    }
    assert [command for command, did in done.items() if did.code] == []
    texts = {command: did.out + did.err for command, did in done.items()}
    texts |= {str(f): f.read_text() for f in out.rglob("*") if f.suffix in (".json", ".csv", ".html")}
    with ZipFile(out / "x.xlsx") as workbook:
        texts |= {f"workbook {name}": workbook.read(name).decode() for name in workbook.namelist()}
    return texts


def test_the_discount_is_used(config):
    analysis = pe.load_analysis(config / "two.yaml", allow_model_file=True).with_discounts({"pill": SECRET})
    base = pe.base_case(analysis.model, analysis.parameters)
    spent = base.outcome("costs.drug.pill")["new"] / base.outcome("packs.pill")["new"]
    assert spent.iloc[0] == pytest.approx(150 * (1 - SECRET))


def test_the_discount_is_found_nowhere(said):
    assert [(where, s) for where, text in said.items() for s in SPELLINGS if s in text] == []


def test_the_net_price_is_no_number_and_no_ratio_in_any_output(said, config):
    net = 150 * (1 - SECRET)
    assert [where for where, text in said.items() if f"{net:.4f}" in text] == []
    results = json.loads((config / "out" / "run" / "results.json").read_text())
    named = json.dumps([results["components"], results["base_case"], results["product_prices"]])
    assert "packs.pill" not in named and "drug.pill" not in named and '"pill"' not in named


def found_on_the_curve(results):
    """The price at which the curve of the pill, a line, meets the net benefit of the run: none without a curve."""
    wtp = results["wtp"][0]
    nmb = {r["strategy"]: wtp * r["effects"] - r["costs"] for r in results["mean_outcomes"]}
    points = [p for c in results["price_curves"] for p in c["points"] if c["product"] == "pill"]
    first = [p for p in points if p["wtp"] == wtp]
    prices, inmb = ([p[k] for p in first] for k in ("price", "inmb"))
    slope, height = np.polyfit(prices, inmb, 1) if first else (np.nan, np.nan)
    return (nmb["new"] - nmb["standard care"] - height) / slope


def test_the_net_price_is_not_where_a_curve_meets_the_net_benefit_of_the_run(said, config):
    """Nor where the net benefits at two willingnesses to pay and the thresholds there give it."""
    results = json.loads((config / "out" / "run" / "results.json").read_text())
    assert np.isnan(found_on_the_curve(results))
    rows = [*results["threshold_prices"], *results["price_curves"], *results["price_maps"]]
    assert "pill" not in {row["product"] for row in rows}


def test_the_curve_gives_the_price_where_the_discounts_are_shown(config, tmp_path):
    options = ("--draws", 200, "--discounts", config / "secret.csv", "--show-discounts", "--out", tmp_path)
    assert psa_engine("run", config / "two.yaml", "--allow-model-file", *options).code == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert found_on_the_curve(results) == pytest.approx(150 * (1 - SECRET))


def test_a_reduced_run_warns_in_its_results(said, config):
    results = json.loads((config / "out" / "reduced" / "results.json").read_text())
    assert results["confidential"]["products"] == ["pill"]


def test_no_price_is_sought_where_the_only_open_one_is_confidential(config):
    options = ("--draws", 200, "--discounts", config / "secret.csv")
    done = psa_engine("price", config / "two.yaml", "--allow-model-file", *options)
    assert done.code == 2 and "gap in the evidence and not confidential" in done.err


@pytest.mark.parametrize("shown", [(), ("--show-discounts",)])
def test_an_unfinished_run_is_refused_without_quoting_a_discount(config, tmp_path, shown):
    run = (
        "run",
        config / "two.yaml",
        "--allow-model-file",
        "--draws",
        600,
        "--block",
        256,
        "--out",
        tmp_path,
    )
    secret = ("--discounts", config / "secret.csv")
    assert psa_engine(*run, "--keep-blocks", *(secret + shown if shown else ())).code == 0
    done = psa_engine(*run, *secret)
    assert done.code == 2 and "holds an unfinished run" in done.err and "--restart" in done.err
    assert not any(s in done.err for s in SPELLINGS)


def test_the_sample_that_is_written_has_no_packs_or_drug_cost(said, config):
    sample = pe.PsaSample.from_parquet(config / "out" / "run" / "sample.parquet")
    assert [name for name in sample.outcome_names if name.endswith("pill")] == []
    values = np.concatenate([v for o in sample.outcomes.values() for v in o.values()])
    assert not np.isclose(values, SECRET).any()


def test_every_command_says_that_confidential_prices_were_used(said):
    for command in ("run", "reduced", "tornado", "price"):
        assert "Confidential prices were used" in said[command]
        assert "With confidential discounts on pill." in said[command]
    page = next(text for where, text in said.items() if where.endswith("report.html"))
    workbook = "".join(text for where, text in said.items() if where.startswith("workbook"))
    assert all("confidential discounts on pill" in text for text in (page, workbook, said["sweep"]))


def test_nothing_is_stored_to_go_on_from(config, said):
    """Blocks were asked for, and their manifest would hold the configuration as it was run."""
    assert not (config / "out" / "run" / "blocks").exists()


def test_the_hash_does_not_depend_on_the_discount(config):
    """A hash of a four-digit number is as good as the number."""
    analysis = pe.load_analysis(config / "two.yaml", allow_model_file=True)
    one, other = (analysis.with_discounts({"pill": d}).config_hash for d in (0.1, 0.2))
    assert one == other != analysis.config_hash


def test_the_discount_is_shown_where_that_is_asked_for(config):
    done = psa_engine(
        "tornado",
        config / "two.yaml",
        "--allow-model-file",
        "--discounts",
        config / "secret.csv",
        "--show-discounts",
    )
    assert "discount[pill]=0.371946" in done.out


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("gradient", ()),
        ("tornado", ("--range", "discount[pill]=0:0.5")),
        ("price", ("--product", "pill")),
        ("price", ("--product", "aspirin", "--against", "pill")),
        ("sweep", ("--over", "list_price[pill]=1,2", "--out", "s.parquet")),
    ],
)
def test_what_would_give_the_price_away_is_refused(config, command, options):
    done = psa_engine(
        command, config / "two.yaml", "--allow-model-file", "--discounts", config / "secret.csv", *options
    )
    assert done.code == 2 and "away" in done.err and not any(s in done.err for s in SPELLINGS)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "product,discount\npill,1.371946\n", "'pill' is not between 0 and 1"),
        ("a.csv", "product,discount\npill,much\n", "'pill' is not between 0 and 1"),
        ("a.csv", "product,discount\npill,0.371946\npill,0.1\n", "'pill' has two discounts"),
        ("a.csv", "drug,discount\npill,0.371946\n", "product and discount"),
        ("a.csv", "product,discount\npill,0.371946,5\n", "two entries"),
        ("a.csv", "product,discount\n", "no discount"),
        ("a.yaml", "pill: true\n", "'pill' is not between 0 and 1"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_without_quoting_it(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(pe.InputError, match=said) as error:
        read_discounts(tmp_path / name)
    assert "371946" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "product,discount\na b, 37.1946 %\n"),
        ("a.yaml", "a b: 0.371946\n"),
        ("a.yaml", "a b: 37.1946%\n"),
    ],
)
def test_discounts_are_read_from_csv_and_yaml(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_discounts(tmp_path / name) == pytest.approx({"a b": SECRET})


def test_an_unknown_product_is_named(config):
    with pytest.raises(pe.InputError, match=r"no product 'pil'.*pill"):
        pe.load_analysis(config / "two.yaml", allow_model_file=True).with_discounts({"pil": 0.1})


def test_an_error_of_the_model_does_not_quote_the_discount(config, tmp_path):
    (tmp_path / "model.py").write_text(MODEL.replace("12.0 - 2.0", "p['cost_alive'] ** 900"))
    (tmp_path / "two.yaml").write_text((config / "two.yaml").read_text())
    done = psa_engine(
        "run",
        tmp_path / "two.yaml",
        "--allow-model-file",
        "--discounts",
        config / "secret.csv",
        "--out",
        tmp_path / "o",
    )
    assert done.code == 3 and "discount[pill] = confidential" in done.err
    assert not any(s in done.err for s in SPELLINGS)
