"""Files of texts, whatever is in them."""

import gzip
from pathlib import Path

import pytest

from hitl.cli.seed_rows import Row, read
from hitl.errors import Invalid


def _read(path: Path, content: bytes, *, column: str | None = None, label: str | None = None) -> list[Row]:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return read(path, column=column, label=label, limit=None)


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a"])
def test_lines(tmp_path: Path, name: str) -> None:
    rows = _read(tmp_path / name, b"\xef\xbb\xbfone\r\n\ntwo\n")
    assert [(row.line, row.body["content"]) for row in rows] == [(1, "one"), (3, "two")]


def test_bytes_that_are_no_text_are_left_to_the_api(tmp_path: Path) -> None:
    assert _read(tmp_path / "a.txt", b"caf\xe9\n")[0].body["content"] == "caf\udce9"


def test_objects_keep_what_the_api_knows_and_nothing_else(tmp_path: Path) -> None:
    line = b'{"text": "hi", "author_id": "ana", "context": {"a": 1}, "bogus": 1, "tone": "mild"}\n'
    row = _read(tmp_path / "a.jsonl", line, label="tone")[0]
    assert row.body == {"content": "hi", "author_id": "ana", "context": {"a": 1}}
    assert row.label == "mild"


def test_lines_that_are_no_objects_are_rows_with_a_reason(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.jsonl", b'nonsense\n[1]\n{"other": 1}\n' + b"[" * 100_000 + b"\n")
    assert [row.trouble is not None for row in rows] == [True] * 4


def test_tables(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.csv.gz", b'id,CONTENT,tone\n1,"a, ""b""\nc",x\n2,\x00,y\n3\n', label="tone")
    assert [row.body["content"] for row in rows] == ['a, "b"\nc', "\x00", None]
    assert [row.label for row in rows] == ["x", "y", "None"]


def test_tabs_leave_quotation_marks_alone(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.tsv", b'tone\tSMS\nx\t"unbalanced\ny\tnext\n', column="sms")
    assert [row.body["content"] for row in rows] == ['"unbalanced', "next"]


def test_arrays(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.json", b'["one", {"prompt": "two"}, 3]')
    assert [row.body.get("content") for row in rows] == ["one", "two", None]


def test_the_column_can_be_chosen(tmp_path: Path) -> None:
    rows = _read(tmp_path / "a.csv", b"text,comment\nno,yes\n", column="comment")
    assert rows[0].body["content"] == "yes"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b"x,y\n1,2\n"), ("a.json", b"{}"), ("a.json", b"["), ("a.csv", b""), ("gone/a.txt", None)],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Invalid):
        read(path, column=None, label=None, limit=None)


def test_what_only_claims_to_be_packed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt.gz"
    path.write_bytes(b"plain")
    with pytest.raises(Invalid):
        read(path, column=None, label=None, limit=None)
