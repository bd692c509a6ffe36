"""Files are read whole and bounded, whatever they are called, or refused in one line."""

import gzip
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from relight.errors import BadInput
from relight.sources.files.reading import Content, read


def refusal(path: Path, **limits: int) -> str:
    with pytest.raises(BadInput) as refused:
        _ = read(path, **limits).text
    return str(refused.value)


def test_a_file_is_its_bytes(tmp_path):
    path = tmp_path / "saved"
    path.write_bytes(b"a,b\n")

    assert b"a,b\n" == read(path).data


def test_a_packed_file_is_unpacked_whatever_its_name(tmp_path):
    path = tmp_path / "saved.json"
    path.write_bytes(gzip.compress(b"one") + gzip.compress(b" two"))

    assert b"one two" == read(path).data


def test_standard_input_is_read_where_there_is_no_path(monkeypatch, tmp_path):
    path = tmp_path / "piped"
    path.write_bytes(b"[]")

    with path.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))

        assert b"[]" == read(None).data


def test_what_is_not_there_or_no_file_is_refused(tmp_path):
    assert "file: cannot be read: No such file or directory" == refusal(tmp_path / "none")
    assert "file: cannot be read: Is a directory" == refusal(tmp_path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="the system has no endless file")
def test_an_endless_file_is_refused_at_the_limit():
    assert "file: holds more than 2 MiB: split it" == refusal(
        Path("/dev/zero"), bytes_max=2 * 1024 * 1024
    )


def test_a_packed_file_that_grows_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(bytes(3000)))

    assert "file: holds more than 1000 B: split it" == refusal(path, bytes_max=1000)


def test_a_damaged_packed_file_is_refused(tmp_path):
    path = tmp_path / "cut.gz"
    packed = gzip.compress(b"line\n" * 1000)
    path.write_bytes(packed[: len(packed) // 2])

    assert "damaged or cut off (gzip)" in refusal(path)
    path.write_bytes(packed[:20] + b"\xff" * 20)
    assert "damaged or cut off (gzip)" in refusal(path)


def test_an_archive_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")

    assert "save it as CSV" in refusal(path)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "file: is empty"),
        (b" \r\n\t", "file: is empty"),
        (b"\xef\xbb\xbf", "file: is empty"),
        ("time,power\n".encode("utf-16"), "byte 1: is UTF-16"),
        ("time,power\n".encode("utf-16-le"), "line 1: holds a NUL byte"),
        (b"a\nb\nc\0", "line 3: holds a NUL byte"),
        ("a\nü".encode("latin-1"), "line 2, byte 3: is not UTF-8 (0xfc)"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(data, expected):
    with pytest.raises(BadInput) as refused:
        _ = Content(data).text

    assert str(refused.value).startswith(expected)


@pytest.mark.parametrize(
    "text", ['{"a":1}', ' {"a":1}\n', '/**/f({"a":1})', 'a.b$c ( {"a":1} );\n', '\ufeff{"a":1}']
)
def test_json_is_read_out_of_a_jsonp_call(text):
    content = Content(text.encode())

    assert content.is_json
    assert {"a": 1} == content.json


def test_a_place_within_a_jsonp_call_is_that_of_the_file():
    with pytest.raises(BadInput, match="line 1, column 12"):
        _ = Content(b'/**/f({"a":x})').json


@pytest.mark.parametrize("text", ["power(kW),time\n1,2", "a,b", "[", "1"])
def test_other_text_is_left_alone(text):
    assert Content(text.encode()).is_json is text.startswith("[")
