"""JSON from strangers is read as it is, or refused with its place."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import BadInput
from relight.model.strict_json import DEPTH_MAX, loads

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('abc[{"\\é'), inner),
    max_leaves=12,
)


def refusal(data: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        loads(data)
    return str(refused.value)


@given(VALUES, st.booleans())
def test_what_json_can_say_is_read(value, is_ascii):
    data = json.dumps(value, ensure_ascii=is_ascii).encode()

    assert value == loads(data)
    assert value == loads(b"\xef\xbb\xbf" + data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    with suppress(BadInput):
        loads(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "line 1, column 1: is empty"),
        (b" \n", "line 2, column 1: is empty"),
        (b'{"a":[1,2', "line 1, column 10: ends in the middle of the document"),
        (b'{"a":\n"abc', "line 2, column 1: ends in the middle of the document"),
        (b'{"a":1}x', "line 1, column 8: is not JSON: extra data"),
        (b"[\n1,\n2,]", "line 3, column 3: is not JSON: "),
        (b'{"a":1,\n"b":\xe9}', "line 2, byte 13: is not UTF-8 (0xe9): convert the text to UTF-8"),
        (b"\xef\xbb\xbf\n\xff", "line 2, byte 5: is not UTF-8 (0xff): convert the text to UTF-8"),
        ("{}".encode("utf-16"), "byte 1: is UTF-16: convert the text to UTF-8"),
        (b'{"a":1,"b":[{"c":1,"c":2}]}', "b[0].c: is given twice"),
        (b'[1,{"x":NaN}]', "[1].x: is NaN, which is no number"),
        (b"-Infinity", "document: is -Infinity, which is no number"),
        (b'{"x":1e999}', "x: is too large a number: 1e999"),
        (b"[9223372036854775808]", "[0]: is too large a number: 9223372036854775808"),
        (b'{"a":"\\ud800"}', "a: holds half a surrogate pair, which is no character"),
        (b'["a\\u0000"]', "[0]: holds a NUL character"),
        (b"[" * 100_000, f"document: is nested deeper than {DEPTH_MAX} levels"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, f"document: is nested deeper than {DEPTH_MAX} levels"),
    ],
)  # fmt: skip
def test_what_may_not_be_is_refused_with_its_place(data, expected):
    assert refusal(data).startswith(expected)


def test_brackets_within_texts_are_no_depth():
    text = "[" * 1000 + '"{'

    assert [text] == loads(json.dumps([text]).encode())


def test_the_depth_can_be_set():
    assert [[1]] == loads(b"[[1]]", depth_max=2)
    with pytest.raises(BadInput, match="deeper than 1 levels"):
        loads(b"[[1]]", depth_max=1)


def test_a_number_of_a_million_digits_is_refused_without_being_read():
    assert refusal(b"1" * 1_000_000).endswith("(1000000 characters)")


def test_a_text_that_never_ends_is_refused_in_time():
    assert "cut off" in refusal(b'"' + b'\\"' * 1_000_000)
