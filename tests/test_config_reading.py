"""YAML as the configuration reads it: YAML 1.2, line numbers, and nothing that runs, repeats or explodes."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psa_engine.config import read_document, read_text
from psa_engine.config.reading import MAX_BYTES
from psa_engine.errors import InputError


def refusal(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_text(text, "x.yaml")
    return str(caught.value)


def test_words_that_are_booleans_in_yaml_1_1_are_text():
    assert read_text("a: [no, off, y, 1:30, 2020-01-01]").content == {
        "a": ["no", "off", "y", "1:30", "2020-01-01"]
    }


def test_numbers_are_those_of_yaml_1_2():
    content = read_text("a: [1e5, .5, 5., -2, 0x1f, 0o17, 010, '5', 1_000, 1e]").content
    assert content["a"] == [100000.0, 0.5, 5.0, -2, 31, 15, 10, "5", "1_000", "1e"]


def test_constants_are_those_of_yaml_1_2():
    assert read_text("a: [~, null, true, False, NO]").content["a"] == [None, None, True, False, "NO"]


def test_every_value_knows_its_line():
    lines = read_text("a:\n  b: 1\n  c:\n    - 2\n    - 3\n").lines
    assert lines == {("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", 0): 4, ("a", "c", 1): 5}


def test_an_alias_stands_for_its_value():
    assert read_text("a: &x {k: [1, 2]}\nb: *x").content["b"] == {"k": [1, 2]}


def test_a_key_given_twice_is_refused_with_both_lines():
    message = refusal("strategies:\n  new: 1\n  old: 2\n  new: 3\n")
    assert message.startswith("strategies.new: ") and "line 2" in message and "line 4" in message


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system ['true']", "!!python/name:os.system", "!!str 5", "!mine {a: 1}", "! 5"],
)
def test_tags_are_refused(value):
    message = refusal(f"a: 1\nb: {value}")
    assert "tag" in message and "line 2" in message


def test_a_python_tag_on_a_key_is_refused():
    assert "key must be text" in refusal("? !!python/tuple [1]\n: 2")
    assert "'!!python/name:os.system'" in refusal("!!python/name:os.system x: 2")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null"])
def test_an_empty_file_is_refused(text):
    assert "x.yaml is empty" in refusal(text)


@pytest.mark.parametrize(("text", "kind"), [("- a\n- b", "a list"), ("hello world", "a single value")])
def test_a_file_that_is_not_a_mapping_is_refused(text, kind):
    assert f"holds {kind}" in refusal(text)


@pytest.mark.parametrize(
    "text", ["a: b: c", "a: [1", "a:\n\tb: 1", "{", "a: \x01", '"\\Uffffffff": 1', "a: @b"]
)
def test_text_that_is_not_yaml_is_refused(text):
    assert refusal(text).startswith("This is not YAML (x.yaml")


def test_a_yaml_1_1_directive_is_refused():
    assert "YAML 1.2" in refusal("%YAML 1.1\n---\na: no")


def test_a_second_document_is_refused():
    assert "line 2" in refusal("a: 1\n---\nb: 2")


def test_merge_keys_are_refused():
    assert "'<<'" in refusal("a: &x {k: 1}\nb:\n  <<: *x")


@pytest.mark.parametrize("text", ["a: &x [*x]", "a: *x"])
def test_an_alias_without_a_value_before_it_is_refused(text):
    assert "alias '*x'" in refusal(text)


def test_deep_nesting_is_refused_before_it_is_read():
    assert "levels deep" in refusal("a: " + "[" * 100_000)


def test_aliases_that_multiply_are_refused():
    lines = ["x0: &x0 [1, 2, 3, 4, 5, 6, 7, 8, 9]"]
    lines += [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]" for i in range(1, 12)]
    assert "expands to more than" in refusal("\n".join(lines))


def test_a_number_of_ten_thousand_digits_is_infinite_and_so_refused_later():
    assert read_text("a: " + "9" * 10_000).content["a"] == math.inf


def test_a_file_that_is_too_large_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_text("a: 1\n" + "#" * MAX_BYTES)
    with pytest.raises(InputError, match="larger than"):
        read_document(tmp_path / "x.yaml")


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "x.yaml").write_bytes(bytes([0x50, 0x4B, 0x03, 0x04, 0xFF, 0xFE]))
    with pytest.raises(InputError, match=r"x\.yaml is not text in UTF-8"):
        read_document(tmp_path / "x.yaml")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfname: x\n")
    assert read_document(tmp_path / "x.yaml").content == {"name": "x"}


@given(st.text(alphabet="ab:-[]{}&*!%|>'\"#?, \n\t\\<1.e~@`\x00é", max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_or_refused_and_never_crashes(text):
    try:
        assert isinstance(read_text(text).content, dict)
    except InputError as error:
        assert str(error)
