"""Files of cases: every form gives the same answers, each bad row has its number, runs can go on."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import oracle
import pytest
from click.testing import CliRunner, Result

from policygrounds import KnowledgeBase
from queries.command import main

pa = pytest.importorskip("pyarrow", reason="the extra tables is not installed")

from pyarrow import (  # type: ignore[import-untyped]  # noqa: E402 - it has no types
    feather,
    ipc,
    parquet,
)

from queries.batch import blocks, command, files, running  # noqa: E402

CENTENE, FEP = "CP.PHAR.302", "5.21.071"
DAY = "2025-09-15"
LISTS = pa.list_(pa.string())
ROWS = 100
REJECTED_STATUS = 2

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a few rows at a time."""
    monkeypatch.setattr(files, "ROWS", 7)
    monkeypatch.setattr(files, "CSV_BYTES", 2_000)


def decide(source: Path, output: Path, *options: str, policies: Sequence[str] = (FEP,)) -> Result:
    """Run the command in one process; what it does not mean to raise is raised."""
    arguments = ["batch", *policies, str(source), str(output), "--on", DAY, "--processes", "1"]
    return CliRunner().invoke(main, [*arguments, *options], catch_exceptions=False)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def rows_of(file: Path) -> list[dict[str, Any]]:
    """Read answers of any form; in CSV, lists are texts and everything is one."""
    if file.suffix == ".parquet":
        found: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
        return found
    if file.suffix == ".ndjson":
        return [json.loads(line) for line in file.read_text().splitlines()]
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def as_csv(rows: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Return rows as CSV gives them back."""

    def text(value: object) -> str:
        if isinstance(value, list):
            return ";".join(value)
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)

    return [{name: text(value) for name, value in row.items()} for row in rows]


def outcome_of(
    folder: Path, name: str, content: str | bytes, *options: str, policies: Sequence[str] = (FEP,)
) -> tuple[Result, list[int], dict[int, str]]:
    """Decide a file; return the rows answered and those rejected, with the reason."""
    output = folder / "out.ndjson"
    result = decide(written(folder, name, content), output, *options, policies=policies)
    answered = [row["row"] for row in rows_of(output)] if output.exists() else []
    rejects = folder / "out.ndjson.rejects.csv"
    rejected = (
        {int(row["row"]): row["reason"] for row in rows_of(rejects)} if (rejects.exists()) else {}
    )
    assert result.exit_code == (REJECTED_STATUS if rejected or not output.exists() else 0)
    return result, answered, rejected


# --- Forms ---------------------------------------------------------------------------------------


def drawn(seed: str, size: int = ROWS) -> Any:
    """Draw a table of cases, one in ten with a value that does not fit."""
    rng = random.Random(seed)
    rows = []
    for place in range(size):
        facts = oracle.random_case(rng, CENTENE, complete=place % 2 == 0, free_budget=2_000)
        row = {name: None if isinstance(raw, dict) else raw for name, raw in facts.items()}
        if place % 10 == 3:
            row["diagnosis"] = "myeloma"
        rows.append({"id": f'case "{place}",\n', **row})
    return in_columns(rows)


def in_columns(rows: Sequence[dict[str, Any]]) -> Any:
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table(
        {
            name: pa.array([row.get(name) for row in rows], LISTS if name in oracle.SETS else None)
            for name in names
        }
    )


def write_csv(table: Any, file: Path) -> None:
    """Write what is unknown as nothing, and lists with semicolons; the empty one as JSON."""
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(table.column_names)
        for row in table.to_pylist():
            writer.writerow(
                "[]" if value == [] else ";".join(value) if isinstance(value, list) else value
                for value in row.values()
            )


def write_ndjson(table: Any, file: Path) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))


def write_cases(table: Any, file: Path) -> None:
    """Write cases in their own form, without what is unknown."""
    with file.open("w", encoding="utf-8") as lines:
        for row in table.to_pylist():
            facts = {k: v for k, v in row.items() if v is not None and k != "id"}
            lines.write(json.dumps({"id": row["id"], "facts": facts}) + "\n")


def write_stream(table: Any, file: Path) -> None:
    with ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=9)


def write_arrow(table: Any, file: Path) -> None:
    with ipc.new_file(file, table.schema) as stream:
        stream.write_table(table, max_chunksize=9)


INPUTS: dict[str, tuple[str, Callable[[Any, Path], None]]] = {
    "parquet": ("in.parquet", parquet.write_table),
    "groups of parquet": (
        "in.PARQUET",
        lambda table, file: parquet.write_table(table, file, row_group_size=9),
    ),
    "csv": ("in.csv", write_csv),
    "ndjson": ("in.ndjson", write_ndjson),
    "cases": ("in.jsonl", write_cases),
    "arrow": ("in.arrow", write_arrow),
    "stream": ("in.arrow", write_stream),
    "feather": ("in.feather", feather.write_feather),
}


@pytest.fixture(scope="module")
def table() -> Any:
    return drawn("forms")


@pytest.fixture(scope="module")
def answers(kb: KnowledgeBase, table: Any) -> tuple[list[Any], list[Any]]:
    """Return the answers in memory, and the rows rejected there."""
    decided = kb.batch(table, CENTENE, on=DAY)
    assert decided.rejected.num_rows == ROWS // 10
    return decided.answered.to_pylist(), decided.rejected.to_pylist()


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("form", INPUTS)
def test_every_form_of_input_gives_the_same_answers(
    tmp_path: Path, table: Any, answers: tuple[list[Any], list[Any]], form: str
) -> None:
    name, write = INPUTS[form]
    write(table, tmp_path / name)
    result = decide(tmp_path / name, tmp_path / "out.ndjson", policies=[CENTENE])
    assert result.exit_code == REJECTED_STATUS
    assert rows_of(tmp_path / "out.ndjson") == answers[0]
    assert rows_of(tmp_path / "out.ndjson.rejects.csv") == as_csv(answers[1])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("output", ["out.parquet", "out.csv", "out.ndjson"])
def test_every_form_of_output_says_the_same(
    tmp_path: Path, table: Any, answers: tuple[list[Any], list[Any]], output: str
) -> None:
    parquet.write_table(table, tmp_path / "in.parquet")
    decide(tmp_path / "in.parquet", tmp_path / output, policies=[CENTENE])
    wanted = as_csv(answers[0]) if output == "out.csv" else answers[0]
    assert rows_of(tmp_path / output) == wanted
    # Nothing else is left behind.
    names = {"in.parquet", output, f"{output}.rejects.csv"}
    assert {file.name for file in tmp_path.iterdir()} == names


def test_several_processes_give_the_answers_of_one(tmp_path: Path, table: Any) -> None:
    parquet.write_table(table, tmp_path / "in.parquet")
    decide(tmp_path / "in.parquet", tmp_path / "one.parquet", policies=[CENTENE])
    arguments = ["batch", CENTENE, "in.parquet", "two.parquet", "--on", DAY, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "policygrounds", *arguments, "--processes", "2"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (REJECTED_STATUS, b"")
    said = json.loads(done.stdout)
    assert (said["rows"], said["rejected"]) == (ROWS, ROWS // 10)
    assert sum(said["outcomes"].values()) == ROWS - ROWS // 10
    for one, two in (("one.parquet",) * 2, ("one.parquet.rejects.csv",) * 2):
        other = tmp_path / two.replace("one", "two")
        assert (tmp_path / one).read_bytes() == other.read_bytes()


class Here:
    """Runs in this process what others are to do."""

    given = 0

    def __init__(self, *_: object, initializer: Callable[..., None], initargs: Any) -> None:
        initializer(*initargs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *given: object) -> Future[Any]:
        Here.given += 1
        done = Future[Any]()
        done.set_result(work(*given))
        return done


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("form", "few", "options", "given"),
    [
        *[(form, ROWS, (), 0) for form in ("parquet", "csv", "ndjson", "arrow", "stream")],
        *[
            ("ndjson", 20, (), 12),
            ("parquet", 20, (), 15),
            ("ndjson", ROWS, ("--processes", "2"), 15),
        ],
    ],
)
def test_other_processes_are_started_for_many_rows_or_if_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: Any,
    answers: tuple[list[Any], list[Any]],
    form: str,
    few: int,
    options: Sequence[str],
    given: int,
) -> None:
    """How many of the fifteen blocks are given to them."""
    monkeypatch.setattr(command, "FEW_ROWS", few)
    monkeypatch.setattr(command, "cpu_count", lambda: 4)
    monkeypatch.setattr(running, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(Here, "given", 0)
    name, write = INPUTS[form]
    write(table, tmp_path / name)
    words = ["batch", CENTENE, str(tmp_path / name), str(tmp_path / "out.ndjson"), "--on", DAY]
    CliRunner().invoke(main, [*words, *options], catch_exceptions=False)
    assert rows_of(tmp_path / "out.ndjson") == answers[0]
    assert Here.given == given


def test_what_was_decided_is_counted(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "age\n17\n500\n\n")
    said = json.loads(decide(source, tmp_path / "out.csv", "--json").stdout)
    assert said == {"rows": 2, "outcomes": {"deny": 1}, "rejected": 1}


KEPT = {
    "texts": pa.array(['a"\n;,', None]),
    "categories": pa.array(["a", None]).dictionary_encode(),
    "views": pa.array(["a", None], pa.string_view()),
    "large bytes": pa.array([b"a", None], pa.large_binary()),
    "bad bytes": pa.array([b"\xff", None], pa.large_binary()),
    "fixed bytes": pa.array([b"a", None], pa.binary(1)),
    "lists": pa.array([["a", "b"], None]),
    "lists with null": pa.array([["a", None], None]),
    "lists of numbers": pa.array([[1, 2], None]),
    "lists of categories": pa.array([["a"], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    "objects": pa.array([{"a": 1}, None]),
    "nan": pa.array([float("nan"), None]),
}


@pytest.mark.parametrize("output", ["out.parquet", "out.csv", "out.ndjson"])
@pytest.mark.parametrize("kind", KEPT)
def test_columns_of_any_type_are_kept_in_every_form(tmp_path: Path, kind: str, output: str) -> None:
    data = pa.table({"site": KEPT[kind], "age": [60, 60]})
    with ipc.new_file(tmp_path / "in.arrow", data.schema) as stream:
        stream.write_table(data)
    result = decide(tmp_path / "in.arrow", tmp_path / output, "--keep", "site")
    assert result.exit_code == 0
    first, second = rows_of(tmp_path / output)
    assert first["site"] not in ("", None, "null") or kind == "nan"
    assert second["site"] in ("", None)
    if output == "out.ndjson":
        assert "NaN" not in (tmp_path / output).read_text()


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_kept_texts_are_copied_as_they_are(tmp_path: Path, form: str) -> None:
    texts = ["x", "1.50", "a,b", "[", "null", "é"]
    data = pa.table({"site": texts, "age": [60] * 6})
    {"csv": write_csv, "ndjson": write_ndjson}[form](data, tmp_path / f"in.{form}")
    decide(tmp_path / f"in.{form}", tmp_path / "out.ndjson", "--keep", "site")
    assert [row["site"] for row in rows_of(tmp_path / "out.ndjson")] == texts


@pytest.mark.parametrize("output", ["out.parquet", "out.csv", "out.ndjson"])
@pytest.mark.parametrize("form", ["parquet", "arrow", "stream", "csv", "ndjson"])
def test_an_empty_table_has_an_empty_answer(tmp_path: Path, form: str, output: str) -> None:
    name, write = INPUTS[form]
    write(in_columns([{"id": "a", "age": 60}]).slice(0, 0), tmp_path / name)
    result = decide(tmp_path / name, tmp_path / output, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"rows": 0, "outcomes": {}, "rejected": 0}
    assert rows_of(tmp_path / output) == []


# --- CSV -----------------------------------------------------------------------------------------


def test_rows_of_another_width_are_rejected_with_their_numbers(tmp_path: Path) -> None:
    text = "id,age\na\nb,60\nc,1,2\nd,60\ne,\nf,1,2,3\n"
    result, answered, rejected = outcome_of(tmp_path, "in.csv", text)
    assert answered == [2, 4, 5]
    assert rejected == {
        1: "expected 2 columns, found 1",
        3: "expected 2 columns, found 3",
        6: "expected 2 columns, found 4",
    }
    assert "6 rows" in result.stdout


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("seed", range(6))
def test_row_numbers_are_exact_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(files, "CSV_BYTES", 200)
    rng = random.Random(seed)
    share = rng.choice((0.05, 0.3, 0.9))
    lines, narrow, wide, unfit = ["id,age,request"], [], [], []
    for number in range(1, 301):
        kind = rng.choice("nwu") if rng.random() < share else "-"
        if kind == "n":
            narrow.append(number)
            lines.append("x")
        elif kind == "w":
            wide.append(number)
            lines.append("x," * rng.randint(3, 40))
        elif kind == "u":
            unfit.append(number)
            lines.append(f"{number},600,initial")
        else:
            lines.append(f'"{number}{rng.choice(("", chr(10), ",", chr(10) * 20))}",60,initial')
        lines += [""] * rng.choice((0, 0, 0, 1, 2))
    _, answered, rejected = outcome_of(tmp_path, "in.csv", "\n".join(lines) + "\n")
    assert sorted(rejected) == sorted([*narrow, *wide, *unfit])
    assert [row for row, reason in rejected.items() if "'age'" in reason] == unfit
    assert answered == [number for number in range(1, 301) if number not in rejected]
    ids = [int(row["id"].strip(",\n")) for row in rows_of(tmp_path / "out.ndjson")]
    assert ids == answered


@pytest.mark.usefixtures("small")
def test_rejected_rows_of_csv_stand_in_the_order_of_the_table(tmp_path: Path) -> None:
    lines = ["x" if number % 5 == 0 else f"{number},600" for number in range(1, 61)]
    _, _, rejected = outcome_of(tmp_path, "in.csv", "\n".join(["id,age", *lines]) + "\n")
    assert [*rejected] == list(range(1, 61))


SAME = {
    "crlf": b"id,age\r\na,60\r\n\r\nb,60\r\n",
    "bom": b"\xef\xbb\xbfid,age\na,60\nb,60\n",
    "no line break at the end": b"id,age\na,60\nb,60",
    "quoted names": b'"id","age"\n"a","60"\n"b","60"\n',
    "blanks": b"id,age\na, 60 \nb,60\t\n",
    "empty lines first": b"\n\nid,age\na,60\nb,60\n",
}


@pytest.mark.parametrize("kind", SAME)
def test_csv_of_every_habit_is_read_alike(tmp_path: Path, kind: str) -> None:
    _, answered, rejected = outcome_of(tmp_path, "in.csv", SAME[kind])
    assert (answered, rejected) == ([1, 2], {})
    found = rows_of(tmp_path / "out.ndjson")
    assert [row["id"] for row in found] == ["a", "b"]
    assert found[0]["outcome"] == found[1]["outcome"]


def test_a_name_of_a_column_may_hold_a_line_break(tmp_path: Path) -> None:
    text = 'id,"of\nsite",age\na,x,60\n'
    _, answered, rejected = outcome_of(tmp_path, "in.csv", text, "--ignore", "of\nsite")
    assert (answered, rejected) == ([1], {})


@pytest.mark.parametrize("text", ["id,age\n", "id,age", "id,age\r\n\r\n"])
def test_a_line_of_names_alone_is_an_empty_table(tmp_path: Path, text: str) -> None:
    result, answered, rejected = outcome_of(tmp_path, "in.csv", text)
    assert (answered, rejected) == ([], {})
    assert "0 rows" in result.stdout


REFUSED = {
    "nothing": ("in.csv", b"", "the file is empty"),
    "the same name twice": ("in.csv", b"age,id,age\n1,a,2\n", "column 'age' is there twice"),
    "a name that is no text": ("in.csv", b"ag\xff\n60\n", "cannot be read as csv"),
    "no table at all": ("in.parquet", b"age\n60\n", "cannot be read as parquet"),
    "an empty file of Arrow": ("in.arrow", b"", "cannot be read as arrow"),
    "half a file of Parquet": ("in.parquet", b"PAR1", "cannot be read as parquet"),
    "a name of another form": ("in.xlsx", b"", "expected a name that ends in .parquet, .csv"),
    "a fact misspelt": ("in.csv", b"agee\n60\n", "did you mean 'age'?"),
    "a fact misspelt in a late line": ("in.ndjson", b'{"age": 1}\n{"agee": 1}\n', "'agee'"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_table_is_refused_and_leaves_nothing_behind(tmp_path: Path, kind: str) -> None:
    name, content, message = REFUSED[kind]
    result, answered, rejected = outcome_of(tmp_path, name, content)
    assert (result.exit_code, answered, rejected) == (REJECTED_STATUS, [], {})
    assert message in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_bytes_that_are_no_text_are_rejected_in_facts_and_replaced_elsewhere(
    tmp_path: Path,
) -> None:
    content = b"id,site,request\n\xff,\xfe,initial\nb,c,\xff\n"
    _, answered, rejected = outcome_of(tmp_path, "in.csv", content, "--keep", "site")
    assert answered == [1]
    assert rejected == {2: "column 'request': no UTF-8 text"}
    (row,) = rows_of(tmp_path / "out.ndjson")
    assert (row["id"], row["site"]) == ("\ufffd", "\ufffd")


def test_cells_hold_words_lists_and_json(tmp_path: Path, kb: KnowledgeBase) -> None:
    cells = [
        ("t_11_14", ["true", "YES", "False", "no", " true ", ""], 6),
        ("age", ["60", " 60 ", "6e1", "60.0", '"{""at_least"": 18}"', ""], 6),
        ("request", ["initial", '"{""one_of"": [""initial""]}"', ""], 3),
        ("regimen", ["ixazomib; dexamethasone", ";", "[]", '"[""ixazomib""]"', ""], 5),
        ("regimen", ['"{""includes"": [""ixazomib""], ""excludes"": []}"', "ixazomib;"], 2),
        ("regimen.ixazomib", ["true", "no", ""], 3),
        ("t_11_14", ["1", "0", "t", "wahr", "[true]", "null"], 0),
        ("age", ["old", "nan", "inf", "1e99999999999999999999", "6_0", "0x3c", "60,0x", "[60"], 0),
        ("age", ['"{""at_least"": NaN}"', '"{""at_least"": 1e99999999999999999999}"'], 0),
        ("request", ["Initial", '"[""initial""]"', "{", "null"], 0),
        ("regimen", ["ixazomib,", "Ixazomib", "ninlaro;ixazomib", "[" * 9_999, "null"], 0),
        ("regimen.ixazomib", ["ixazomib", "1"], 0),
    ]
    for name, values, fit in cells:
        text = "\n".join([f"site,{name}", *(f"x,{value}" for value in values)]) + "\n"
        _, answered, rejected = outcome_of(tmp_path, "in.csv", text, "--ignore", "site")
        assert answered == list(range(1, fit + 1)), (name, values, rejected)
        assert [*rejected] == list(range(fit + 1, len(values) + 1)), (name, rejected)
        (tmp_path / "out.ndjson").unlink()
    text = 'regimen\n[]\n;\n"{""includes"": [], ""excludes"": []}"\n'
    outcome_of(tmp_path, "in.csv", text, policies=[CENTENE])
    data = in_columns([{"regimen": []}, {"regimen": []}, {"regimen": None}])
    in_memory = kb.batch(data, CENTENE, on=DAY).answered.to_pylist()
    assert rows_of(tmp_path / "out.ndjson") == in_memory


def test_a_quote_that_is_never_closed_loses_no_row_in_silence(tmp_path: Path) -> None:
    text = 'age,id\n60,a\n60,"b\n60,c\n60,d\n'
    result, answered, rejected = outcome_of(tmp_path, "in.csv", text)
    assert result.exit_code == REJECTED_STATUS
    assert 2 not in answered
    assert rejected or "quote" in result.stderr


# --- NDJSON --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_lines_that_are_no_cases_are_rejected_with_their_numbers(tmp_path: Path) -> None:
    lines = [
        '{"age": 60}',
        "[60]",
        "60",
        "{",
        '{"age": NaN}',
        '{"age": 60, "age": 61}',
        '{"facts": {"age": 60, "age": 61}}',
        '{"age": 60, "facts": {"age": 60}}',
        '{"age": 60.00000000000000000001}',
        '{"age": 1e99999999999999999999}',
        '{"age": 1e400}',
        '{"age": ' + "9" * 5_000 + "}",
        '{"age": ' + "[" * 5_000 + "}",
        '{"age": "60"}',
        '{"age": true}',
        '{"age": {"at_least": 60, "at_least": 61}}',
        '{"request": "\\ud800"}',
        '{"facts": {"age": 60}}',
    ]
    text = "\n".join([*lines[:9], "", *lines[9:], "", ""])
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", text)
    assert answered == [1, 18]
    assert [*rejected] == list(range(2, 18))
    assert "60.0000" not in rejected[9]
    assert rejected[5] == "NaN is no number that can be read"
    assert rejected[6] == rejected[7] == rejected[8] == "'age' is given twice"


def test_lines_that_are_no_utf8_are_rejected(tmp_path: Path) -> None:
    content = b'{"id": "\xff"}\n\xef\xbb\xbf{"age": 60}\n{"id": "\xed\xa0\x80"}\n{"age": 60}\n'
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", content)
    assert {1, 3} <= {*rejected}
    assert 4 in answered
    assert len(answered) + len(rejected) == 4


def test_a_rejected_line_is_named_by_its_id_where_that_can_be_read(tmp_path: Path) -> None:
    lines = [
        '{"id": "a", "age": NaN}',
        '{"id": 7, "age": 60, "age": 61}',
        '{"id": "c", "facts": null}',
        '{"id": "d", "facts": {"age": 1e400}}',
        '{"id": "e", "id": "f"}',
        '{"id": 1.00000000000000000001}',
        '{"id": "\\ud800"}',
        '{"id": "g", "age": }',
        '{"id": "\\ud800", "facts": null}',
        '{"id": "h", "id": "i", "facts": null}',
    ]
    _, answered, _ = outcome_of(tmp_path, "in.ndjson", "\n".join(lines))
    rejects = tmp_path / "out.ndjson.rejects.csv"
    assert answered == []
    assert [row["id"] for row in rows_of(rejects)] == ["a", "7", "c", "d"] + [""] * 6
    outcome_of(tmp_path, "in.ndjson", "\n".join(lines), "--ignore", "id")
    assert [row["id"] for row in rows_of(rejects)] == [""] * 7


@pytest.mark.parametrize(
    ("cell", "copied"),
    [
        ("NaN", None),
        ("-Infinity", None),
        ("1e400", None),
        ("0.10000000000000000001", "0.1"),
        ('[NaN, 1, {"a": 0.10000000000000000001}]', '[null, 1, {"a": 0.1}]'),
        ('{"a": "\\u00e9"}', '{"a": "\\u00e9"}'),
    ],
)
def test_numbers_that_cannot_be_read_stop_no_row_where_they_are_no_facts(
    tmp_path: Path, cell: str, copied: str | None
) -> None:
    text = f'{{"age": 60, "site": {cell}}}\n{{"age": 61, "facts": {{"site": {cell}}}}}\n'
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", text, "--keep", "site")
    assert (answered, rejected) == ([1, 2], {})
    assert [row["site"] for row in rows_of(tmp_path / "out.ndjson")] == [copied] * 2
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", text, "--ignore", "site")
    assert (answered, rejected) == ([1, 2], {})


def test_a_kept_column_that_is_given_twice_or_no_text_is_not_guessed_at(tmp_path: Path) -> None:
    text = '{"site": 1, "site": 2}\n{"site": {"a": 1, "a": 2}}\n{"site": "\\ud800"}\n'
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", text, "--keep", "site")
    assert answered == []
    assert [*rejected.values()] == [
        "'site' is given twice",
        "'a' is given twice",
        "the text is not UTF-8",
    ]
    (tmp_path / "out.ndjson.rejects.csv").unlink()
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", text, "--ignore", "site")
    assert (answered, rejected) == ([1, 2, 3], {})


@pytest.mark.parametrize("name", ["id", "site", "request"])
def test_half_a_character_stops_nothing(tmp_path: Path, name: str) -> None:
    text = f'{{"{name}": "\\ud800", "site": "x"}}\n{{"age": 60}}\n'.replace(
        '"site": "\\ud800", "site": "x"', '"site": "\\ud800"'
    )
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", text, "--keep", "site")
    assert sorted([*answered, *rejected]) == [1, 2]


def test_lines_without_facts_are_decided_too(tmp_path: Path) -> None:
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", "{}\n{}\n")
    assert (answered, rejected) == ([1, 2], {})


def test_cases_whose_facts_are_null_are_decided_or_rejected_one_by_one(tmp_path: Path) -> None:
    text = '{"id": "a", "facts": {"age": 60}}\n{"id": "b", "facts": null}\n'
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", text)
    assert answered == [1]
    assert [*rejected] == [2]


def test_what_names_a_case_may_be_a_number(tmp_path: Path) -> None:
    text = '{"id": 7, "policy": "5.21.071", "on": null}\n{"id": "b", "policy": 5, "on": false}\n'
    _, answered, rejected = outcome_of(tmp_path, "in.ndjson", text, policies=())
    assert answered == [1]
    assert rows_of(tmp_path / "out.ndjson")[0]["id"] == "7"
    assert "on: " in rejected[2]
    assert "policy '5'" in rejected[2]


# --- Where answers go ----------------------------------------------------------------------------


def test_status_two_and_a_file_say_that_rows_were_rejected(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "id,age\na,60\nb,600\n")
    rejects = tmp_path / "why.csv"
    result = decide(source, tmp_path / "out.csv", "--rejects", str(rejects))
    assert result.exit_code == REJECTED_STATUS
    assert "1 rejected" in result.stdout.replace("\n", " ")
    (row,) = rows_of(rejects)
    assert (row["row"], row["id"]) == ("2", "b")
    assert not (tmp_path / "out.csv.rejects.csv").exists()


def test_rejects_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "age\n600\n")
    assert decide(source, tmp_path / "out.csv").exit_code == REJECTED_STATUS
    source.write_text("age\n60\n")
    assert decide(source, tmp_path / "out.csv").exit_code == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.csv", "out.csv"]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("no/out.csv", "cannot be written"),
        ("out.xlsx", "expected a name that ends in .parquet, .csv"),
        ("out", "expected a name that ends in .parquet, .csv"),
        ("out.arrow", "expected a name that ends in .parquet, .csv"),
    ],
)
def test_where_answers_cannot_go_is_said_before_anything_is_read(
    tmp_path: Path, output: str, message: str
) -> None:
    result = decide(tmp_path / "not there.csv", tmp_path / output)
    assert result.exit_code == REJECTED_STATUS
    assert message in result.stderr
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("way", ["its name", "another path", "a link", "a hard link", "rejects"])
def test_the_input_is_never_written_over(tmp_path: Path, way: str) -> None:
    text = "age\n60\n"
    source = written(tmp_path, "in.csv", text)
    link = tmp_path / "link.csv"
    options: list[str] = []
    output = tmp_path / "out.csv"
    if way == "its name":
        output = source
    elif way == "another path":
        output = tmp_path / ".." / tmp_path.name / "in.csv"
    elif way == "a link":
        link.symlink_to(source)
        output = link
    elif way == "a hard link":
        link.hardlink_to(source)
        output = link
    else:
        options = ["--rejects", str(source)]
    assert decide(source, output, *options).exit_code == REJECTED_STATUS
    assert source.read_text() == text


def test_answers_and_rejects_cannot_be_one_file(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "age\n60\n")
    output = tmp_path / "out.csv"
    assert decide(source, output, "--rejects", str(output)).exit_code == REJECTED_STATUS


def test_the_readings_and_policies_asked_about_decide(tmp_path: Path, kb: KnowledgeBase) -> None:
    regimen = ["ixazomib", "lenalidomide", "dexamethasone", "prednisone"]
    facts = {"request": "initial", "diagnosis": "multiple_myeloma", "age": 60, "prior_lines": 1}
    data = in_columns([{**facts, "regimen": regimen}])
    parquet.write_table(data, tmp_path / "in.parquet")
    output = tmp_path / "out.ndjson"
    found = []
    for choice in ("exactly", "at_least"):
        reading = f"{FEP}:in_combination_with={choice}"
        result = decide(
            tmp_path / "in.parquet", output, "--reading", reading, policies=[FEP, CENTENE]
        )
        assert result.exit_code == 0
        found.append(rows_of(output))
        wanted = kb.batch(
            data, FEP, CENTENE, on=DAY, readings={f"{FEP}:in_combination_with": choice}
        )
        assert found[-1] == wanted.answered.to_pylist()
    assert found[0][0]["outcome"] != found[1][0]["outcome"]
    assert found[0][1] == found[1][1]


# --- Runs that were stopped ----------------------------------------------------------------------

SLOW = """
import sys, time
from queries.batch import blocks, files
files.ROWS = 5
decide = blocks.BlockDecider.decide
def slowly(self, block, numbers):
    time.sleep(0.03)
    return decide(self, block, numbers)
blocks.BlockDecider.decide = slowly
from queries.command import main
main(sys.argv[1:])
"""
"""The command, in small blocks and so slowly that it can be stopped in between."""


def environment(**more: str) -> dict[str, str]:
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200", **more}


def slow_run(folder: Path, output: str, *options: str) -> subprocess.Popen[bytes]:
    arguments = ["batch", FEP, "in.csv", output, "--on", DAY, "--processes", "1", *options]
    return subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def parts_done(folder: Path, output: str) -> int:
    return len([*(folder / f"{output}.parts").glob("*.done")])


def stop_after(folder: Path, output: str, parts: int) -> bool:
    """Kill a run once so many more parts are done; False if it ends before."""
    before = parts_done(folder, output)
    process = slow_run(folder, output)
    while process.poll() is None:
        if parts_done(folder, output) >= before + parts:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return process.returncode == -signal.SIGKILL
        time.sleep(0.005)
    process.communicate()
    return False


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a run was stopped after some parts, whose answers are to be in CSV."""
    folder = tmp_path_factory.mktemp("stopped")
    write_csv(drawn("stopped", 90), folder / "in.csv")
    assert stop_after(folder, "out.csv", 6)
    assert parts_done(folder, "out.csv") >= 6
    assert not (folder / "out.csv").exists()
    return folder


@pytest.fixture
def interrupted(stopped: Path, tmp_path: Path) -> Path:
    """Return a copy of its own of the folder in which a run was stopped."""
    shutil.copytree(stopped, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Decide in blocks of those runs; return the places of the blocks that are decided."""
    monkeypatch.setattr(files, "ROWS", 5)
    monkeypatch.setattr(running, "ROWS", 5)
    decide_block = running._decide
    places: list[int] = []

    def counted(job: Any, decider: Any, place: int, block: Any) -> Any:
        places.append(place)
        return decide_block(job, decider, place, block)

    monkeypatch.setattr(running, "_decide", counted)
    return places


def afresh(folder: Path, output: str = "out.csv") -> bytes:
    """Return what an uninterrupted run of the same gives."""
    other = folder.parent / "afresh"
    shutil.rmtree(other, ignore_errors=True)
    other.mkdir()
    shutil.copy(folder / "in.csv", other)
    decide(other / "in.csv", other / output)
    return (other / output).read_bytes()


@pytest.mark.parametrize(
    ("output", "kills"), [("again.csv", 2), ("again.parquet", 2), ("again.ndjson", 1)]
)
def test_a_run_killed_again_and_again_ends_as_one_that_never_was(
    stopped: Path, tmp_path: Path, decided: list[int], output: str, kills: int
) -> None:
    shutil.copy(stopped / "in.csv", tmp_path)
    rng = random.Random(output)
    for _ in range(kills):
        before = parts_done(tmp_path, output)
        assert stop_after(tmp_path, output, rng.randint(1, 4))
        assert parts_done(tmp_path, output) > before
    process = slow_run(tmp_path, output)
    assert process.wait(30) == REJECTED_STATUS
    process.communicate()
    assert (tmp_path / output).read_bytes() == afresh(tmp_path, output)
    rows = [int(row["row"]) for row in rows_of(tmp_path / output)]
    rows += [int(row["row"]) for row in rows_of(tmp_path / f"{output}.rejects.csv")]
    assert sorted(rows) == list(range(1, 91))
    names = {"in.csv", output, f"{output}.rejects.csv"}
    assert {file.name for file in tmp_path.iterdir() if file.is_file()} == names
    assert decided  # the uninterrupted run was in blocks as small


def test_a_run_goes_on_with_what_another_process_did(interrupted: Path, decided: list[int]) -> None:
    done = parts_done(interrupted, "out.csv")
    assert decide(interrupted / "in.csv", interrupted / "out.csv").exit_code == REJECTED_STATUS
    assert decided == list(range(done, 18))


def test_what_is_asked_is_known_again_whatever_the_seed_of_hashes(tmp_path: Path) -> None:
    written(tmp_path, "in.csv", "id,on,age\na,,60\n")
    script = (
        "from queries.batch import running\n"
        "from queries.command import main\n"
        "import sys\n"
        "running._begin = lambda _, fingerprint: sys.exit(fingerprint)\n"
        "main(sys.argv[1:])\n"
    )
    arguments = ["batch", FEP, "in.csv", "out.csv", "--on", DAY, "--processes", "1"]
    found = {
        subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=tmp_path,
            env=environment(PYTHONHASHSEED=seed),
            capture_output=True,
            check=False,
        ).stderr
        for seed in "12"
    }
    assert len(found) == 1
    assert len(found.pop().strip()) == 64


def test_a_changed_input_starts_afresh(interrupted: Path, decided: list[int]) -> None:
    write_csv(drawn("another", 90), interrupted / "in.csv")
    decide(interrupted / "in.csv", interrupted / "out.csv")
    assert decided == list(range(18))
    assert (interrupted / "out.csv").read_bytes() == afresh(interrupted)


@pytest.mark.parametrize(
    "option",
    [
        ("--reading", "in_combination_with=exactly"),
        ("--keep", "id"),
        ("--ignore", "age"),
        ("--on", "2024-02-01"),
    ],
)
def test_another_question_starts_afresh(
    interrupted: Path, decided: list[int], option: tuple[str, str]
) -> None:
    decide(interrupted / "in.csv", interrupted / "out.csv", *option)
    assert decided == list(range(18))


@pytest.mark.parametrize("content", ["", "{", "null", "[]", "{}", '{"rows": 5}', "\x00" * 99])
def test_a_record_that_is_garbled_is_not_trusted(
    interrupted: Path, decided: list[int], content: str
) -> None:
    (interrupted / "out.csv.parts" / "00000002.done").write_text(content)
    decide(interrupted / "in.csv", interrupted / "out.csv")
    assert 2 in decided
    assert (interrupted / "out.csv").read_bytes() == afresh(interrupted)


@pytest.mark.parametrize("what", ["answered", "rejected"])
@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
def test_a_part_that_is_garbled_is_not_trusted(
    interrupted: Path, decided: list[int], what: str, harm: str
) -> None:
    part = interrupted / "out.csv.parts" / f"00000002.{what}"
    content = part.read_bytes()
    if harm == "cut":
        part.write_bytes(content[: len(content) // 2])
    elif harm == "changed":
        part.write_bytes(content[:-20] + bytes(20))
    else:
        part.unlink()
    decide(interrupted / "in.csv", interrupted / "out.csv")
    assert 2 in decided
    assert (interrupted / "out.csv").read_bytes() == afresh(interrupted)


@pytest.mark.parametrize("mark", [None, "", "garbled"])
def test_parts_of_which_no_one_knows_the_question_are_not_trusted(
    interrupted: Path, decided: list[int], mark: str | None
) -> None:
    """As if a run was killed while it removed the parts."""
    job = interrupted / "out.csv.parts" / "job"
    if mark is None:
        job.unlink()
    else:
        job.write_text(mark)
    write_csv(drawn("another", 90), interrupted / "in.csv")
    decide(interrupted / "in.csv", interrupted / "out.csv")
    assert decided == list(range(18))
    assert (interrupted / "out.csv").read_bytes() == afresh(interrupted)


def test_a_folder_that_is_not_of_this_program_is_left_alone(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "age\n60\n")
    (tmp_path / "out.csv.parts").mkdir()
    mine = written(tmp_path / "out.csv.parts", "thesis.txt", "years of work")
    decide(source, tmp_path / "out.csv")
    assert mine.read_text() == "years of work"


def test_a_file_where_parts_are_to_go_is_left_alone_and_named(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "age\n60\n")
    mine = written(tmp_path, "out.csv.parts", "years of work")
    result = decide(source, tmp_path / "out.csv")
    assert result.exit_code == REJECTED_STATUS
    said = "is no folder; parts go there. Move it, or name another output"
    assert f"{mine}: {said}" in result.stderr.replace("\n", "")
    assert mine.read_text() == "years of work"


@pytest.mark.parametrize("what", ["title", "question", "option", "class", "nothing"])
def test_words_that_are_changed_start_a_run_of_changes_afresh(
    tmp_path: Path, kb: KnowledgeBase, what: str
) -> None:
    known = kb.vocabulary
    fact = known.facts["diagnosis"]
    options = {**(fact.options or {}), "multiple_myeloma": "another"}
    other = {
        "title": replace(known, facts={**known.facts, "diagnosis": replace(fact, title="T")}),
        "question": replace(known, facts={**known.facts, "diagnosis": replace(fact, question="Q")}),
        "option": replace(
            known, facts={**known.facts, "diagnosis": replace(fact, options=options)}
        ),
        "class": replace(known, classes=dict.fromkeys(known.classes, "another")),
        "nothing": known,
    }[what]
    source = written(tmp_path, "in.csv", "age\n60\n")
    for changes in (True, False):
        request = blocks.Request((FEP,), DAY, changes=changes)
        job = running.Job(source, tmp_path / "out.csv", tmp_path / "rejects.csv", request, {})
        marks = {
            running._fingerprint(KnowledgeBase(replace(kb._library, vocabulary=each)), job)
            for each in (known, other)
        }
        assert len(marks) == (2 if changes and what != "nothing" else 1)


def test_a_run_killed_while_it_puts_parts_together_leaves_nothing_behind(
    interrupted: Path, monkeypatch: pytest.MonkeyPatch, decided: list[int]
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object) -> str:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfileobj", killed)
        with pytest.raises(KilledError):
            decide(interrupted / "in.csv", interrupted / "out.csv")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    decide(interrupted / "in.csv", interrupted / "out.csv")
    names = {"in.csv", "out.csv", "out.csv.rejects.csv"}
    assert {file.name for file in interrupted.iterdir()} == names
    assert len(decided) == len({*decided})
