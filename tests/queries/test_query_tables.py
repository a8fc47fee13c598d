"""Answers as tables: what each form shows, exactly, whatever the cells hold."""

import csv
import json
import sys
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import pandas as pd  # type: ignore[import-untyped]  # its stubs are a package of their own
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pyarrow import parquet
from rich.console import Console

from engine.datalog import Cell, ResultColumn
from engine.relation import ColumnType
from facts.errors import MissingExtraError, PolicygroundsError
from queries.datalog import Answer
from queries.tables import csv_text, form_of, json_text, markdown_text, show_answer, written_answer

TEXT, DATE, NUMBER = ColumnType.TEXT, ColumnType.DATE, ColumnType.NUMBER
LARGEST = 2**63 - 1


def answer(*columns: tuple[str, ColumnType], rows: list[tuple[Cell, ...]]) -> Answer:
    """Return an answer; a column whose name ends in s holds lists."""
    made = (ResultColumn(name, kind, None, many=name.endswith("s")) for name, kind in columns)
    return Answer(tuple(made), tuple(rows))


def numbers(*cells: Cell) -> Answer:
    return answer(("Number", NUMBER), rows=[(cell,) for cell in cells])


SAMPLE = answer(
    ("Policy", TEXT),
    ("Since", DATE),
    ("Dose", NUMBER),
    ("Cases", NUMBER),
    ("Sections", TEXT),
    rows=[
        ("5.21.071", "2024-01-01", 4, (1, 2), ("I.A", "I.B")),
        ("CP.PHAR.302", "2025-08-01", Decimal("2.3"), (), ("I.A.5",)),
    ],
)
YES, NO = Answer((), ((),)), Answer((), ())


# In a terminal


def shown(table: Answer, *, of: int | None = None, width: int = 200) -> list[str]:
    console = Console(file=StringIO(), width=width)
    show_answer(console, table, of=len(table) if of is None else of)
    assert isinstance(console.file, StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_a_terminal_shows_columns_rows_and_how_many_there_are() -> None:
    assert shown(SAMPLE) == [
        "Policy       Since       Dose  Cases  Sections",
        "5.21.071     2024-01-01     4  1; 2   I.A; I.B",
        "CP.PHAR.302  2025-08-01   2.3         I.A.5",
        "",
        "2 rows",
    ]


def test_a_terminal_says_of_how_many_rows_these_are_the_first() -> None:
    assert shown(numbers(1, 2), of=7)[-1] == "2 of 7 rows"
    assert shown(numbers(1), of=1)[-1] == "1 row"


def test_an_answer_without_rows_says_so_and_one_without_columns_says_yes_or_no() -> None:
    assert shown(numbers()) == ["0 rows"]
    assert shown(YES) == ["yes"]
    assert shown(NO) == ["no"]


def test_text_from_outside_does_not_steer_the_terminal() -> None:
    table = answer(("Case", TEXT), rows=[("\x1b[31mred",), ("[bold]b[/bold]",), ("two\nlines",)])
    assert shown(table)[1:4] == ["?[31mred", "[bold]b[/bold]", "two?lines"]


def test_a_narrow_terminal_folds_what_is_long_and_loses_nothing() -> None:
    table = answer(("Text", TEXT), rows=[("word " * 20,)])
    lines = shown(table, width=30)
    assert " ".join(" ".join(lines[1:-2]).split()) == ("word " * 20).strip()


# CSV


def test_csv_has_a_header_and_lists_in_one_cell() -> None:
    rows = list(csv.reader(StringIO(csv_text(SAMPLE))))
    assert rows == [
        ["Policy", "Since", "Dose", "Cases", "Sections"],
        ["5.21.071", "2024-01-01", "4", "1; 2", "I.A; I.B"],
        ["CP.PHAR.302", "2025-08-01", "2.3", "", "I.A.5"],
    ]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_a_spreadsheet_would_compute_is_made_inert(begin: str) -> None:
    text = f'{begin}HYPERLINK("http://example.org")'
    table = answer(("Case", TEXT), ("Cases", TEXT), rows=[(text, (text,))])
    assert list(csv.reader(StringIO(csv_text(table), newline="")))[1] == [f"'{text}", f"'{text}"]


def test_a_negative_number_is_no_formula() -> None:
    table = answer(("Number", NUMBER), ("Numbers", NUMBER), rows=[(-5, (-5, Decimal("-0.5")))])
    assert csv_text(table).splitlines()[1] == "-5,-5; -0.5"


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_csv_read_back_holds_the_texts_that_were_written(rows: list[tuple[str, str]]) -> None:
    table = answer(("One", TEXT), ("Other", TEXT), rows=list(rows))
    read = list(csv.reader(StringIO(csv_text(table), newline="")))[1:]
    for written, cells in zip(rows, read, strict=True):
        for text, cell in zip(written, cells, strict=True):
            assert cell == (f"'{text}" if text[:1] in tuple("=+-@\t\r\n") else text)


# JSON


def test_json_is_one_object_of_columns_and_rows() -> None:
    assert json.loads(json_text(SAMPLE), parse_float=Decimal) == {
        "columns": [
            {"name": "Policy", "type": "text", "list": False},
            {"name": "Since", "type": "date", "list": False},
            {"name": "Dose", "type": "number", "list": False},
            {"name": "Cases", "type": "number", "list": True},
            {"name": "Sections", "type": "text", "list": True},
        ],
        "rows": [
            ["5.21.071", "2024-01-01", 4, [1, 2], ["I.A", "I.B"]],
            ["CP.PHAR.302", "2025-08-01", Decimal("2.3"), [], ["I.A.5"]],
        ],
    }


@given(st.lists(st.decimals(-(10**12), 10**12, places=12) | st.integers()))
def test_numbers_in_json_are_exact(cells: list[Decimal | int]) -> None:
    read = json.loads(json_text(numbers(*cells)), parse_float=Decimal)
    assert [Decimal(row[0]) for row in read["rows"]] == [Decimal(cell) for cell in cells]


@given(st.text())
def test_any_text_comes_back_from_json(text: str) -> None:
    table = answer(("Text", TEXT), rows=[(text,)])
    assert json.loads(json_text(table))["rows"] == [[text]]


# Markdown


def cells_of(text: str) -> list[str]:
    """Return the cells of a Markdown table as a reader renders them."""
    tokens = MarkdownIt().enable("table").parse(text)
    return [
        "".join(child.content for child in token.children or [])
        for token in tokens
        if token.type == "inline"
    ]


def test_markdown_is_a_table_with_numbers_on_the_right() -> None:
    assert markdown_text(SAMPLE).splitlines() == [
        "| Policy | Since | Dose | Cases | Sections |",
        "| --- | --- | ---: | --- | --- |",
        "| 5.21.071 | 2024-01-01 | 4 | 1; 2 | I.A; I.B |",
        "| CP.PHAR.302 | 2025-08-01 | 2.3 |  | I.A.5 |",
    ]


@pytest.mark.parametrize(
    "text", ["a|b", "<script>alert(1)</script>", "[x](http://example.org)", "`code`", "*", "a\\|b"]
)
def test_text_stays_text_in_markdown(text: str) -> None:
    table = answer(("Text", TEXT), ("Other", TEXT), rows=[(text, "next")])
    assert cells_of(markdown_text(table)) == ["Text", "Other", text, "next"]


# Arrow, data frames and Parquet


def test_arrow_columns_have_types_and_exact_values() -> None:
    table = SAMPLE.to_arrow()
    assert table.schema.names == list(SAMPLE.names)
    assert [str(field.type) for field in table.schema] == [
        "string",
        "date32[day]",
        "decimal128(38, 1)",
        "list<item: int64>",
        "list<item: string>",
    ]
    assert table.to_pylist()[1] == {
        "Policy": "CP.PHAR.302",
        "Since": date(2025, 8, 1),
        "Dose": Decimal("2.3"),
        "Cases": [],
        "Sections": ["I.A.5"],
    }


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ((), "int64"),
        ((LARGEST, -LARGEST - 1), "int64"),
        ((LARGEST + 1,), "decimal128(38, 0)"),
        ((-LARGEST - 2,), "decimal128(38, 0)"),
        ((1, Decimal("0.25")), "decimal128(38, 2)"),
        ((Decimal("0.001"),), "decimal128(38, 3)"),
        ((10**37,), "decimal128(38, 0)"),
        ((10**38,), "decimal256(39, 0)"),
        ((10**36, Decimal("0.1")), "decimal128(38, 1)"),
        ((10**37, Decimal("0.1")), "decimal256(39, 1)"),
        ((10**75,), "decimal256(76, 0)"),
    ],
)
def test_numbers_are_integers_if_all_are_and_fit_and_exact_decimals_otherwise(
    cells: tuple[Cell, ...], kind: str
) -> None:
    column = numbers(*cells).to_arrow().column("Number")
    assert str(column.type) == kind
    assert column.to_pylist() == list(cells)


def test_numbers_of_more_digits_than_arrow_holds_are_refused_with_the_remedy() -> None:
    with pytest.raises(PolicygroundsError, match=r"column 'Number'.* 77 digits.*JSON or CSV"):
        numbers(10**76).to_arrow()


def test_pandas_and_polars_keep_the_types() -> None:
    panda = SAMPLE.to_pandas()
    assert isinstance(panda, pd.DataFrame)
    assert panda["Dose"].tolist() == [Decimal("4.0"), Decimal("2.3")]
    assert panda["Since"].dtype == pd.ArrowDtype(pa.date32())
    bear = SAMPLE.to_polars()
    assert isinstance(bear, pl.DataFrame)
    assert bear["Since"].to_list() == [date(2024, 1, 1), date(2025, 8, 1)]
    assert bear["Sections"].to_list() == [["I.A", "I.B"], ["I.A.5"]]


def test_parquet_read_back_is_the_table_that_was_written() -> None:
    content = written_answer(SAMPLE, "parquet")
    assert parquet.read_table(BytesIO(content)).equals(SAMPLE.to_arrow())


@pytest.mark.parametrize("package", ["pyarrow", "pandas", "polars"])
def test_without_the_extra_it_is_said_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    ask = {"pyarrow": SAMPLE.to_arrow, "pandas": SAMPLE.to_pandas, "polars": SAMPLE.to_polars}
    with pytest.raises(
        MissingExtraError, match=rf"{package}.*pip install 'policygrounds\[tables\]'"
    ):
        ask[package]()


# Rows, yes and no, and names of files


def test_rows_have_the_names_of_the_columns() -> None:
    first, second = SAMPLE
    assert (first.Policy, second.Dose) == ("5.21.071", Decimal("2.3"))
    assert first == SAMPLE.rows[0]
    assert len(SAMPLE) == 2


@pytest.mark.parametrize(("table", "word"), [(YES, "yes"), (NO, "no")])
def test_yes_and_no_are_an_answer_in_every_form(table: Answer, word: str) -> None:
    assert written_answer(table, "csv") == f"answer\r\n{word}\r\n".encode()
    assert json.loads(written_answer(table, "json"))["rows"] == [[word]]
    assert cells_of(written_answer(table, "markdown").decode()) == ["answer", word]
    assert table.to_arrow().to_pylist() == [{"answer": word}]
    assert table.to_pandas()["answer"].tolist() == [word]
    assert table.to_polars()["answer"].to_list() == [word]


@pytest.mark.parametrize(
    ("file", "form"),
    [("a.csv", "csv"), ("a.JSON", "json"), ("a.md", "markdown"), ("b/a.parquet", "parquet")],
)
def test_the_name_of_a_file_says_its_form(file: str, form: str) -> None:
    assert form_of(Path(file)) == form


def test_a_name_that_says_no_form_is_refused_with_those_that_do() -> None:
    with pytest.raises(PolicygroundsError, match=r"a\.xlsx.*\.csv, \.json, \.md, \.parquet"):
        form_of(Path("a.xlsx"))
