"""Reading: every row once and in order, however the bytes are cut; bad records by their place."""

from __future__ import annotations

import gzip
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_slml.compute.batch.ahead import ahead
from jupyter_slml.compute.batch.records import blocks, stretches
from jupyter_slml.compute.batch.rows import ReadFailed
from jupyter_slml.compute.batch.tables import ArrowReader, ParquetReader, units
from jupyter_slml.compute.batch.text import TextReader
from jupyter_slml.domain.batch import Piece, TextShape

NAMES = ["id", "text", "x"]
SCHEMA = pa.schema([("id", pa.int64()), ("text", pa.string()), ("x", pa.float32())])


def record(number: int) -> str:
    text = {0: "plain", 1: '"a ""quoted"", one"', 2: '"two\nlines"', 3: ""}[number % 4]
    return f"{number},{text},{number / 2}\n"


@pytest.mark.parametrize("most", [1, 3, 7, 1000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_stretches_of_a_csv_file_hold_every_record_once(tmp_path: Path, most: int, end: str) -> None:
    path = tmp_path / "in.csv"
    lines = [record(number) for number in range(50)]
    lines[20] += "\n\n"
    path.write_bytes("".join(lines).replace("\n", end).encode())
    with path.open("rb") as file:
        found = stretches(file, 0, path.stat().st_size, most, quoted=True)
    assert [item.row for item in found] == list(range(0, 50, most))
    assert sum(item.rows for item in found) == 50
    assert found[0].first == 0 and found[-1].last == path.stat().st_size
    reader = TextReader("csv", TextShape(width=10), NAMES)
    ids = []
    for item in found:
        piece = Piece(file=0, **item._asdict())
        for rows in reader.read(str(path), piece, SCHEMA, 4):
            assert not rows.bad and rows.batch.num_rows <= 4
            ids += rows.batch.column("id").to_pylist()
            assert rows.place(0) == rows.batch.column("id")[0].as_py() + 1
    assert ids == list(range(50))


def test_a_file_without_a_last_newline_has_its_last_record(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("1,a,1\n2,b,2")
    with path.open("rb") as file:
        assert [(item.row, item.rows) for item in stretches(file, 0, 11, 10, quoted=True)] == [(0, 2)]


def test_quotes_that_do_not_pair_up_count_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('1,5" pipe,1\n2,b,2\n3,c,3\n')
    with path.open("rb") as file:
        assert sum(item.rows for item in stretches(file, 0, 1, 2, quoted=True)) == 3


def test_a_record_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_slml.compute.batch.records.LONGEST", 100)
    with pytest.raises(ReadFailed, match="longer"):
        list(blocks(io.BytesIO(b"x" * 1000), 0, None, 10, quoted=True))


def test_bad_csv_records_are_told_by_their_row() -> None:
    reader = TextReader("csv", TextShape(), NAMES)
    rows = reader.parse(b"1,a,1\n2,b,oops\n3,c\n4,d,4.5\nx,e,5\n6,NA,\n", SCHEMA, 11)
    assert rows.batch.column("id").to_pylist() == [1, 4, 6]
    assert rows.batch.column("x").to_pylist() == [1.0, 4.5, None]
    assert rows.batch.column("text").to_pylist() == ["a", "d", None]
    assert [rows.place(index) for index in range(3)] == [11, 14, 16]
    assert [(item.row, item.reason) for item in rows.bad] == [
        (12, "column 'x': 'oops' is not a number"),
        (13, "it has 2 values, and there are 3 columns"),
        (15, "column 'id': 'x' is not a number"),
    ]


def test_bad_json_records_are_told_by_their_row() -> None:
    reader = TextReader("jsonl", TextShape(), [])
    good = b'{"id": 1, "x": 1, "more": {"a": 1}}\n{"id": 2, "text": "b"}\n'
    bad = b'{"id": 3, "x": "3"}\nnot json\n[1]\n{"id": 1.5}\n{"id": 7, "x": null, "text": 5}\n{"id": 8}\n'
    assert not reader.parse(good, SCHEMA, 1).bad
    rows = reader.parse(good + bad, SCHEMA, 1)
    assert rows.batch.column("id").to_pylist() == [1, 2, 8]
    assert [item.row for item in rows.bad] == [3, 4, 5, 6, 7]
    reasons = [item.reason for item in rows.bad]
    assert reasons[0] == "column 'x': '3' is a string, not a number" and "not JSON" in reasons[1]
    assert "list, not an object" in reasons[2] and "whole number" in reasons[3] and "not a text" in reasons[4]


def test_text_that_is_not_utf8_is_a_bad_record() -> None:
    rows = TextReader("csv", TextShape(), NAMES).parse(b"1,\xff\xfe,1\n2,b,2\n", SCHEMA, 1)
    assert rows.batch.column("id").to_pylist() == [2] and "UTF-8" in rows.bad[0].reason


def test_a_packed_file_is_one_stretch(tmp_path: Path) -> None:
    path = tmp_path / "in.csv.gz"
    path.write_bytes(gzip.compress(b"id,text,x\n" + b"".join(b"%d,a,1\n" % number for number in range(1000))))
    reader = TextReader("csv", TextShape(), NAMES)
    rows = list(reader.read(str(path), Piece(file=0, first=10, last=0), SCHEMA, 300))
    assert [number for item in rows for number in item.batch.column("id").to_pylist()] == list(range(1000))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ReadFailed, match="damaged"):
        list(reader.read(str(path), Piece(file=0, first=10, last=0), SCHEMA, 300))


def table(rows: int) -> pa.Table:
    return pa.table({"x": pa.array(range(rows), pa.float32()), "id": range(rows), "text": [str(row) for row in range(rows)]})


def test_row_groups_are_read_in_batches(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(table(100), path, row_group_size=30)
    schema, counts = ParquetReader().survey(str(path))
    assert counts == [30, 30, 30, 10] and set(schema.names) == {"x", "id", "text"}
    found = list(ParquetReader().read(str(path), Piece(file=0, first=1, last=3, row=30, rows=60), SCHEMA, 25))
    assert [row for rows in found for row in rows.batch.column("id").to_pylist()] == list(range(30, 90))
    assert found[0].places == 31 and max(rows.batch.num_rows for rows in found) <= 25
    assert found[0].batch.schema.equals(SCHEMA)


def test_a_damaged_row_group_is_told_when_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(table(100_000), path, row_group_size=50_000, compression="none")
    data = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[start : start + 64] = b"\xff" * 64
    path.write_bytes(data)
    reader = ParquetReader()
    assert reader.survey(str(path))[1] == [50_000, 50_000]
    good = list(reader.read(str(path), Piece(file=0, first=0, last=1, rows=50_000), SCHEMA, 50_000))
    assert sum(rows.batch.num_rows for rows in good) == 50_000
    with pytest.raises(ReadFailed, match="damaged"):
        list(reader.read(str(path), Piece(file=0, first=1, last=2, row=50_000), SCHEMA, 50_000))


@pytest.mark.parametrize("stream", [False, True])
def test_arrow_files_and_streams(tmp_path: Path, stream: bool) -> None:
    path = tmp_path / "in.arrow"
    made = table(100)
    writing = pa.ipc.new_stream if stream else pa.ipc.new_file
    with path.open("wb") as file, writing(file, made.schema) as writer:
        writer.write_table(made, max_chunksize=40)
    _, counts = ArrowReader().survey(str(path))
    assert counts == (None if stream else [40, 40, 20])
    piece = Piece(file=0, first=0, last=0 if stream else 3)
    found = list(ArrowReader().read(str(path), piece, SCHEMA, 30))
    assert [row for rows in found for row in rows.batch.column("id").to_pylist()] == list(range(100))
    assert [rows.places for rows in found] == [1, 31, 41, 71, 81]


def test_units_share_a_part_up_to_its_rows() -> None:
    assert list(units([4, 4, 4, 10, 0, 1], 8)) == [(0, 2, 0, 8), (2, 3, 8, 4), (3, 4, 12, 10), (4, 6, 22, 1)]
    assert list(units([], 8)) == []


def test_reading_ahead_changes_nothing() -> None:
    assert list(ahead(iter(range(100)))) == list(range(100))
    assert list(ahead([])) == []


def test_what_reading_ahead_raises_comes_in_its_place() -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise ReadFailed("damaged")

    found = []
    with pytest.raises(ReadFailed, match="damaged"):
        for item in ahead(failing()):
            found.append(item)
    assert found == [1, 2]


def test_a_reader_that_leaves_ends_the_thread() -> None:
    reading = ahead(iter(range(1000)))
    assert next(reading) == 0
    reading.close()
    deadline = time.monotonic() + 10
    while any(thread.name == "slml-ahead" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
