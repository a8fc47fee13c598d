"""The impact of a change on a table, recounted case by case with `kb.determine` and plain Python."""

import csv
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from oracle import random_case
from pyarrow import (  # type: ignore[import-untyped]  # it has no types
    ExtensionArray,
    RecordBatch,
    Table,
    array,
    binary,
    bool8,
    compute,
    int8,
    ipc,
    parquet,
    string_view,
    uuid,
)

from engine.determination import Determination
from facts.values import Known, Members
from policygrounds import Case, KnowledgeBase
from queries.batch.files import Block
from queries.batch.layout import laid_out
from queries.batch.reading import Texts
from queries.command import main
from queries.impact import (
    Impact,
    Pair,
    Question,
    change_of_readings,
    change_of_version,
    change_to_draft,
    impact_on,
    prove,
)
from queries.impact.regions import Regions
from queries.impact.result import Said
from queries.impact_command import impact_page

CENTENE, FEP = "CP.PHAR.302", "5.21.071"
FROM, TO = "2024-09-01", "2025-09-01"
FEP_FILE = Path(__file__).parents[2] / "kb/policies/fep/5.21.071_ixazomib.lp"
Row = dict[str, Any]
Run = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def run() -> Run:
    return lambda *words: CliRunner().invoke(main, ["impact", *map(str, words)])


def rows_of(policy: str, count: int, seed: int) -> list[Row]:
    rng = random.Random(seed)
    cases = (
        random_case(rng, policy, complete=number % 3 != 0, free_budget=100)
        for number in range(count)
    )
    return [
        {
            "id": f"row {number}",
            "plan": rng.choice(("north", "south")),
            **{name: value for name, value in case.items() if not isinstance(value, Mapping)},
        }
        for number, case in enumerate(cases, start=1)
    ]


def written(rows: Sequence[Row], file: Path) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return file


@dataclass(frozen=True)
class Recounted:
    """What `kb.determine` says of each row before and after."""

    rows: Sequence[Row]
    pairs: Sequence[tuple[Determination, Determination]]

    @property
    def matrix(self) -> Counter[tuple[str, str]]:
        return Counter((str(one.outcome), str(other.outcome)) for one, other in self.pairs)

    @property
    def changed(self) -> list[int]:
        return [
            number
            for number, pair in enumerate(self.pairs, start=1)
            if parts(pair[0]) != parts(pair[1])
        ]

    def by(self, column: str) -> dict[str, tuple[int, int]]:
        rows: Counter[str] = Counter()
        changed: Counter[str] = Counter()
        for row, (one, other) in zip(self.rows, self.pairs, strict=True):
            value = row.get(column)
            said = "not stated" if value is None else str(value)
            rows[said] += 1
            changed[said] += one.outcome != other.outcome
        return {said: (count, changed[said]) for said, count in rows.items()}


def parts(answer: Determination) -> tuple[object, ...]:
    granted = answer.authorization
    months = granted.months if len(granted.months) == 1 else None
    approved = granted if answer.outcome == "approve" else None
    return answer.outcome, months, approved, answer.basis, answer.refer_to


def recount(
    rows: Sequence[Row],
    before: Callable[[Mapping[str, object]], Determination],
    after: Callable[[Mapping[str, object]], Determination],
) -> Recounted:
    facts = [{name: each[name] for name in each if name not in ("id", "plan")} for each in rows]
    return Recounted(rows, [(before(each), after(each)) for each in facts])


def decide(
    kb: KnowledgeBase, policy: str, day: str, readings: Mapping[str, str] | None = None
) -> Callable[[Mapping[str, object]], Determination]:
    return lambda facts: kb.determine(Case(policy=policy, on=day, facts=facts), readings=readings)


def assert_counted(found: Impact, recounted: Recounted) -> None:
    assert found.rows == len(recounted.rows)
    assert found.rejected == 0
    assert Counter(found.matrix) == recounted.matrix
    changed = [recounted.pairs[number - 1] for number in recounted.changed]
    assert found.outcome_changed + found.parts_changed == len(changed)
    assert sum(group.rows for group in found.groups) == len(changed)
    assert found.adverse == sum(
        other.outcome == "deny" or (one.outcome, other.outcome) == ("approve", "refer")
        for one, other in changed
    )
    pairs = recounted.pairs
    assert found.newly_for_clinician == sum(
        other.needs_clinician and not one.needs_clinician for one, other in pairs
    )
    assert found.no_longer_for_clinician == sum(
        one.needs_clinician and not other.needs_clinician for one, other in pairs
    )


@dataclass(frozen=True)
class Versions:
    file: Path
    recounted: Recounted
    listed: Path
    found: Impact


@pytest.fixture(scope="module")
def versions(kb: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory) -> Versions:
    """Count the impact of a new version on rows, without the proof, which takes long."""
    folder = tmp_path_factory.mktemp("impact")
    rows = rows_of(CENTENE, 200, 11)
    file, listed = written(rows, folder / "cases.ndjson"), folder / "list.ndjson"
    question = Question(by=("plan", "prior_lines", "age"), list_file=listed, proved=False)
    found = impact_on(change_of_version(kb, CENTENE, FROM, TO), file, question)
    recounted = recount(rows, decide(kb, CENTENE, FROM), decide(kb, CENTENE, TO))
    return Versions(file, recounted, listed, found)


def test_the_impact_of_a_version_is_what_deciding_each_case_twice_gives(
    versions: Versions,
) -> None:
    assert versions.found.outcome_changed > 5
    assert_counted(versions.found, versions.recounted)


def test_rows_are_counted_by_line_of_business_and_by_columns_asked_for(versions: Versions) -> None:
    for column in ("line_of_business", "plan", "prior_lines"):
        shares = versions.found.breakdowns[column]
        assert {
            each.value: (each.rows, each.outcome_changed) for each in shares
        } == versions.recounted.by(column)


def test_the_sections_responsible_decide_on_one_side_alone(versions: Versions) -> None:
    expected: Counter[str] = Counter()
    for one, other in versions.recounted.pairs:
        if one.outcome != other.outcome:
            expected.update({*one.deciding_sections} ^ {*other.deciding_sections})
    assert Counter(versions.found.sections) == expected


def test_the_list_holds_the_rows_that_change_with_their_kept_columns(versions: Versions) -> None:
    listed = [json.loads(line) for line in versions.listed.read_text().splitlines()]
    assert [row["row"] for row in listed] == versions.recounted.changed
    for row in listed:
        one, other = versions.recounted.pairs[row["row"] - 1]
        given = versions.recounted.rows[row["row"] - 1]
        assert (row["id"], row["plan"]) == (given["id"], given["plan"])
        assert (row["before_outcome"], row["after_outcome"]) == (one.outcome, other.outcome)
        assert row["after_basis"] == list(other.basis)
        adverse = other.outcome == "deny" or (one.outcome, other.outcome) == ("approve", "refer")
        assert row["clinician_must_review"] == adverse


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_list_is_written_in_other_forms(
    versions: Versions, tmp_path: Path, ending: str
) -> None:
    listed = tmp_path / f"list.{ending}"
    question = Question(keep=("plan",), list_file=listed, proved=False)
    impact_on(versions.found.change, versions.file, question)
    if ending == "csv":
        with listed.open() as lines:
            numbers = [int(row["row"]) for row in csv.DictReader(lines)]
    else:
        numbers = parquet.read_table(listed).column("row").to_pylist()
    assert numbers == versions.recounted.changed
    assert [file.name for file in tmp_path.iterdir()] == [listed.name]


def test_another_reading_is_counted_and_proved(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows, readings = rows_of(FEP, 120, 5), {"in_combination_with": "exactly"}
    change = change_of_readings(kb, FEP, readings, TO)
    found = impact_on(change, written(rows, tmp_path / "cases.ndjson"), Question(keep=("plan",)))
    after = decide(kb, FEP, TO, readings)
    assert_counted(found, recount(rows, decide(kb, FEP, TO), after))
    assert found.outcome_changed
    assert_explained(found)


def assert_explained(found: Impact) -> None:
    assert found.proof is not None
    assert found.proof.comparison.complete
    assert found.proof.regions
    assert (found.proof.unexplained, found.proof.unsound) == (0, 0)


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a draft that asks for the age of 21 where the policy asks for 18."""
    file = tmp_path_factory.mktemp("draft") / "older.lp"
    text = FEP_FILE.read_text()
    assert text.count("at_least(age, 18)") == 1
    file.write_text(text.replace("at_least(age, 18)", "at_least(age, 21)"))
    return file


def test_a_draft_is_counted_and_proved(kb: KnowledgeBase, draft: Path, tmp_path: Path) -> None:
    rows = rows_of(FEP, 120, 6)
    for row, age in zip(rows, range(14, 26), strict=False):
        row |= {**APPROVED, "age": age}
    change = change_to_draft(kb, FEP, draft, TO)
    found = impact_on(change, written(rows, tmp_path / "cases.ndjson"), Question(keep=("plan",)))
    drafted = change.after.kb
    assert_counted(found, recount(rows, decide(kb, FEP, TO), decide(drafted, FEP, TO)))
    assert_explained(found)


APPROVED: Row = {
    "request": "initial",
    "diagnosis": "multiple_myeloma",
    "age": 40,
    "regimen": ["ixazomib", "dexamethasone"],
    "prior_lines": 1,
}
"""A first request that FEP approves."""


def test_regions_say_which_of_them_the_rows_lie_in(
    kb: KnowledgeBase, draft: Path, tmp_path: Path
) -> None:
    first = {**APPROVED, "age": 19}
    rows = [
        first,
        {**APPROVED, "age": 17},
        {**first, "age": None},
        {**first, "prior_lines": None},
        {**first, "age": {"at_least": 18, "at_most": 22}},
    ]
    file = written(rows, tmp_path / "cases.ndjson")
    found = impact_on(change_to_draft(kb, FEP, draft, TO), file, Question())
    assert found.proof is not None
    (each,) = found.proof.differences
    assert (each.difference.first, each.difference.second) == ("approve", "deny")
    seen = {
        min(region.region.facts["request"].values): (region.rows, region.perhaps)  # type: ignore[union-attr]
        for region in each.regions
    }
    assert seen == {"initial": (1, 3), "continuation": (0, 0)}
    assert (found.proof.unseen, each.rows) == (1, 1)
    assert found.matrix["pend", "deny"] == 1  # of 19 years, whatever the lines
    assert found.matrix["approve", "pend"] == 1  # of 18 to 22 years
    assert found.proof.unsettled == 1  # of an age not known


def test_members_in_columns_of_their_own_lie_in_the_same_regions(
    kb: KnowledgeBase, draft: Path, tmp_path: Path
) -> None:
    drugs = kb.vocabulary.facts["regimen"].values
    members = [f"regimen.{drug}" for drug in drugs]
    facts = {**APPROVED, "age": 19, "line_of_business": "fep"}
    listed = facts.pop("regimen")
    values = [*facts.values(), *(str(drug in listed).lower() for drug in drugs)]
    file = tmp_path / "cases.csv"
    file.write_text(",".join([*facts, *members]) + "\n" + ",".join(map(str, values)) + "\n")
    found = impact_on(change_to_draft(kb, FEP, draft, TO), file, Question())
    assert found.proof is not None
    assert sorted(region.rows for region in found.proof.differences[0].regions) == [0, 1]
    assert [(each.value, each.rows) for each in found.breakdowns["line_of_business"]] == [
        ("fep", 1)
    ]


def test_lists_lie_in_the_same_regions_and_an_unknown_list_in_none_for_certain(
    kb: KnowledgeBase, draft: Path, tmp_path: Path
) -> None:
    first = {**APPROVED, "age": 19}
    file = tmp_path / "cases.parquet"
    rows = [first, {**first, "regimen": None}, {**first, "regimen": ["ixazomib", "bortezomib"]}]
    parquet.write_table(Table.from_pylist(rows), file)
    found = impact_on(change_to_draft(kb, FEP, draft, TO), file, Question())
    assert found.proof is not None
    regions = found.proof.differences[0].regions
    assert sorted((region.rows, region.perhaps) for region in regions) == [(0, 0), (1, 2)]
    assert found.matrix["pend", "deny"] == 1


@pytest.mark.parametrize("cells", [[["ixazomib"], None, ["bortezomib"]], [False, None, True]])
def test_a_row_lies_in_a_region_for_certain_only_if_all_it_may_be_does(
    kb: KnowledgeBase, draft: Path, cells: list[object]
) -> None:
    comparison = prove(change_to_draft(kb, FEP, draft, TO))
    drug, none = frozenset(["bortezomib"]), frozenset[str]()
    asked: list[Known] = [Members(none, drug), Members(drug, none)]
    (difference,) = comparison.differences
    made = tuple(replace(difference.regions[0], facts={"regimen": each}) for each in asked)
    column = "regimen" if isinstance(cells[0], list) else "regimen.bortezomib"
    regions = Regions(
        replace(comparison, differences=(replace(difference, regions=made),)),
        laid_out([column], kb.vocabulary),
        Texts.NONE,
    )
    changed = Pair(SAID, replace(SAID, outcome="deny"))
    rows = RecordBatch.from_pydict({column: cells})
    regions.add(Block(rows, np.arange(1, 4)), np.arange(3), [changed] * 3)
    assert [each.tolist() for each in regions._rows] == [[1, 1]]
    assert [each.tolist() for each in regions._perhaps] == [[2, 2]]


SAID = Said("refer", None, None, (), ("X",), ("I.A", "I.B"), ("A", "B"), needs_clinician=False)


def test_sections_that_decide_on_both_sides_are_not_responsible() -> None:
    one, other = (
        SAID,
        replace(SAID, outcome="deny", deciding_sections=("B", "C"), basis=("not_covered",)),
    )
    assert Pair(one, other).sections == (("A",), ("C",))
    same = replace(other, deciding_sections=("B", "A"), pathway=("I.A",))
    assert Pair(one, same).sections == (("I.B",), ())
    assert Pair(one, replace(same, pathway=one.pathway)).sections == ((), ("not_covered",))
    assert Pair(one, replace(one, refer_to=("Y",))).sections == (("A", "B"), ("A", "B"))
    assert Pair(one, replace(one, refer_to=("Y",))).parts == ("refer_to",)


def test_a_draft_that_changes_nothing_is_proved_to_change_nothing(
    run: Run, versions: Versions, tmp_path: Path
) -> None:
    same = tmp_path / "same.lp"
    same.write_bytes(FEP_FILE.read_bytes())
    result = run(FEP, versions.file, "--draft", same, "--ignore", "plan")
    assert result.exit_code == 0
    assert "0 of 200 rows (0.0%) change outcome" in result.output
    assert "There is no such region: no case at all is decided otherwise." in result.output


def test_many_numbers_are_put_into_ranges(kb: KnowledgeBase, tmp_path: Path) -> None:
    rows = [{**APPROVED, "age": age} for age in range(100)] + [{**APPROVED, "age": None}]
    change = change_of_readings(kb, FEP, {"in_combination_with": "exactly"}, TO)
    file = written(rows, tmp_path / "cases.ndjson")
    found = impact_on(change, file, Question(by=("age",), proved=False))
    shares = [(each.value, each.rows) for each in found.breakdowns["age"]]
    assert shares == [
        ("0 to 19", 20),
        ("20 to 39", 20),
        ("40 to 59", 20),
        ("60 to 79", 20),
        ("80 to 99", 20),
        ("not stated", 1),
    ]


def test_the_page_holds_every_number_and_says_what_a_clinician_must_review(
    versions: Versions,
) -> None:
    found = versions.found
    page = impact_page(found, "cases.ndjson")
    text = unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<body>")[2])))
    for (before, after), count in found.matrix.items():
        review = (
            "A clinician must review "
            if (before, after) in (("approve", "refer"), ("refer", "deny"), ("pend", "deny"))
            else "as before "
            if before == after
            else ""
        )
        assert f"{before} {after} {review}{count:,} " in text
    for group in found.groups:
        assert f"{group.rows:,} {group.before} {group.after}" in text
    for section, count in found.sections.items():
        assert f"{section} {count:,}" in text
    for shares in found.breakdowns.values():
        for each in shares:
            assert f"{each.value} {each.rows:,} {each.outcome_changed:,}" in text
    assert f"{found.adverse:,} rows change to the patient" in text
    assert page.count("<svg") == page.count("<desc") == 2 + len(found.breakdowns)
    assert not re.search(r"<script|style=|https?:", page)


def test_the_json_is_that_of_the_result(run: Run, versions: Versions) -> None:
    by = [word for name in ("plan", "prior_lines", "age") for word in ("--by", name)]
    dates = ("--from", FROM, "--to", TO)
    result = run(CENTENE, versions.file, *dates, *by, "--no-proof", "--json")
    assert result.exit_code == 0
    assert json.loads(result.output) == versions.found.to_json()


def test_rows_that_cannot_be_decided_are_counted_with_the_reason(
    run: Run, draft: Path, tmp_path: Path
) -> None:
    file = written([APPROVED, {**APPROVED, "age": 200}], tmp_path / "cases.ndjson")
    page = tmp_path / "page.html"
    result = run(FEP, file, "--draft", draft, "--html", page)
    assert result.exit_code == 2
    assert "1 row could not be decided:" in result.output
    assert "fact 'age': expected 0 to 120 years" in result.output
    assert "Not seen in your cases, but possible" in result.output
    assert "Not seen in your cases, but possible" in page.read_text()


def test_what_rows_say_of_policy_and_day_is_not_looked_at(
    run: Run, draft: Path, tmp_path: Path
) -> None:
    row = {**APPROVED, "age": 19, "policy": CENTENE, "on": "1999-01-01"}
    file = written([row], tmp_path / "cases.ndjson")
    result = run(FEP, file, "--draft", draft, "--no-proof", "--json")
    found = json.loads(result.output)
    assert found["outcomes"] == [{"before": "approve", "after": "deny", "rows": 1}]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no change is given; give one of: --from DATE and --to DATE, --draft FILE"),
        (["--from", FROM], "--to DATE is missing: two versions are compared"),
        (
            ["--from", FROM, "--to", TO, "--reading", "other_use=diagnosis_only"],
            "--from and --to with --reading cannot be told apart",
        ),
        (["--from", FROM, "--to", TO, "--on", TO], "--on cannot be combined with --from and --to"),
        (["--from", "soon", "--to", TO], "--from soon: expected a date such as 2025-09-15"),
        (["--from", "1999-01-01", "--to", TO], "no version covers 1999-01-01"),
        (["--from", FROM, "--to", "2024-10-01"], "so nothing changes; give dates under two"),
        (["--reading", "other_use=all_four"], "the readings given are the default ones"),
        (["--reading", "progression_or_toxicity=neither"], "no reading 'progression_or_toxicity'"),
        (["--draft", "nowhere.lp"], "nowhere.lp: there is no such policy file"),
        (["--draft", FEP_FILE], "it states policy 5.21.071, not CP.PHAR.302"),
        (["--from", FROM, "--to", TO, "--by", "plane"], "there is no column 'plane' to break down"),
        (["--from", FROM, "--to", TO, "--by", "id"], "column 'id' has more than 30 values"),
        (["--from", FROM, "--to", TO, "--list", "rows.txt"], "rows.txt: expected a name that ends"),
    ],
)
def test_bad_input_is_named_with_its_remedy(
    run: Run, versions: Versions, options: Sequence[object], message: str
) -> None:
    result = run(CENTENE, versions.file, "--keep", "plan", "--no-proof", *options)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


def test_what_is_wrong_with_a_draft_is_named_by_its_file(
    run: Run, versions: Versions, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.lp"
    broken.write_text('policy("5.21.071"\n')
    result = run(FEP, versions.file, "--draft", broken, "--ignore", "plan")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"policygrounds: {broken}:")


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--list", "cases.csv", "this is the table of cases; name another file"),
        ("--html", "cases.csv", "this is the table of cases; name another file"),
        ("--html", "draft.lp", "this is the draft; name another file"),
        ("--html", "rows.csv", "this is where the rows that change go; name another file"),
    ],
)
def test_neither_the_table_nor_the_draft_nor_the_list_is_written_over(
    run: Run, tmp_path: Path, option: str, name: str, message: str
) -> None:
    table, draft = tmp_path / "cases.csv", tmp_path / "draft.lp"
    table.write_text("age\n60\n")
    draft.write_bytes(FEP_FILE.read_bytes())
    words = [FEP, table, "--draft", draft, "--no-proof"]
    listed = ["--list", tmp_path / "rows.csv"] if option == "--html" else []
    result = run(*words, *listed, option, tmp_path / name)
    assert result.exit_code == 2
    assert message in result.stderr
    assert table.read_text() == "age\n60\n"
    assert draft.read_bytes() == FEP_FILE.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {"cases.csv", "draft.lp"}


def shares_of(
    kb: KnowledgeBase, table: Table | str, by: str, folder: Path
) -> list[tuple[str, int]]:
    """Return the rows of each value of a column, of a table of Arrow or of CSV."""
    if isinstance(table, str):
        file = folder / "cases.csv"
        file.write_text(table)
    else:
        file = folder / "cases.arrow"
        with ipc.new_file(file, table.schema) as stream:
            stream.write_table(table)
    change = change_of_readings(kb, FEP, {"in_combination_with": "exactly"}, TO)
    found = impact_on(change, file, Question(by=(by,), proved=False))
    return [(each.value, each.rows) for each in found.breakdowns[by]]


UUIDS = [bytes([number] * 15 + [255]) for number in (200, 201)]
VALUES: dict[str, tuple[list[Any], list[str]]] = {
    "long numbers": ([12345678, 12345679, None], ["12345678", "12345679", "not stated"]),
    "longer numbers": ([2**53, 2**53 + 1], [str(2**53), str(2**53 + 1)]),
    "floats": (
        [2.0, 0.1, 0.30000000000000004, 1e300, float("nan")],
        ["0.1", "0.30000000000000004", "2", "1e+300", "nan"],
    ),
    "decimals": ([Decimal("1.50"), Decimal("2.00")], ["1.50", "2"]),
    "texts": (["001", "1", "01", "1e0"], ["001", "01", "1", "1e0"]),
    "truths": ([True, False, None], ["false", "true", "not stated"]),
    "dates": ([date(2025, 1, 1), None], ["2025-01-01", "not stated"]),
    "bytes": ([b"\xff", b"\xfe", b"a"], ["\\xfe", "\\xff", "a"]),
    "lists": ([["a", "b"], ["a, b"], []], ['["a", "b"]', '["a, b"]', "[]"]),
    "objects": ([{"a": 1}, {"a": 2}], ['{"a": 1}', '{"a": 2}']),
}


@pytest.mark.parametrize("kind", VALUES)
def test_values_that_differ_are_told_apart_by_their_names(
    kb: KnowledgeBase, tmp_path: Path, kind: str
) -> None:
    values, names = VALUES[kind]
    table = Table.from_pydict({"site": values, "age": [60] * len(values)})
    assert [name for name, _ in shares_of(kb, table, "site", tmp_path)] == names


def test_texts_of_csv_are_numbers_only_where_they_are_facts(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    text = "site,age\n001,60\n1,60.0\n01, 6e1 \n1,\n"
    assert shares_of(kb, text, "site", tmp_path) == [("001", 1), ("01", 1), ("1", 2)]
    shares = shares_of(kb, text.replace("site", "id"), "age", tmp_path)
    assert shares == [("60", 3), ("not stated", 1)]


def test_facts_are_named_as_they_are_read_whatever_way_they_are_written(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    cells = '"ixazomib;dexamethasone",yes\n"dexamethasone; ixazomib",TRUE\n[],no\n,\n'
    text = 'regimen,t_11_14\n"{""includes"": [""ixazomib""]}",\n' + cells
    assert shares_of(kb, text, "regimen", tmp_path) == [
        ("dexamethasone, ixazomib", 2),
        ("known in part", 1),
        ("none", 1),
        ("not stated", 1),
    ]
    assert shares_of(kb, text, "t_11_14", tmp_path) == [
        ("false", 1),
        ("true", 2),
        ("not stated", 2),
    ]
    lists = Table.from_pydict({"regimen": [["ixazomib", "dexamethasone"], [], None]})
    assert shares_of(kb, lists, "regimen", tmp_path) == [
        ("dexamethasone, ixazomib", 1),
        ("none", 1),
        ("not stated", 1),
    ]
    members = Table.from_pydict({"regimen.ixazomib": [True, False, None]})
    assert [name for name, _ in shares_of(kb, members, "regimen.ixazomib", tmp_path)] == [
        "false",
        "true",
        "not stated",
    ]


def test_an_age_known_in_part_does_not_stand_in_the_way_of_ranges(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    text = "age\n" + "".join(f"{age}\n" for age in range(100)) + '"{""at_least"": 18}"\n'
    shares = shares_of(kb, text, "age", tmp_path)
    assert shares[0] == ("0 to 19", 20)
    assert shares[-1] == ("known in part", 1)


@pytest.mark.parametrize(
    "column",
    [
        array([1, 0, None], int8()).cast(bool8()),
        ExtensionArray.from_storage(uuid(), array([*UUIDS, None], binary(16))),
        array(["a", None, "b"], string_view()),
        array(["a", None, "b"]).dictionary_encode(),
        compute.run_end_encode(array(["a", None, "b"])),
    ],
    ids=lambda column: str(column.type)[:12],
)
def test_columns_of_any_type_can_be_broken_down_by(
    kb: KnowledgeBase, tmp_path: Path, column: Any
) -> None:
    table = Table.from_arrays([column], ["site"])
    shares = shares_of(kb, table, "site", tmp_path)
    assert [rows for _, rows in shares] == [1, 1, 1]
    assert shares[-1][0] == "not stated"


def test_facts_of_other_types_lie_in_the_same_regions(
    kb: KnowledgeBase, draft: Path, tmp_path: Path
) -> None:
    first = {**APPROVED, "age": 19, "t_11_14": True}
    table = Table.from_pylist([first])
    for name, kind in (("t_11_14", bool8()), ("request", string_view())):
        place = table.column_names.index(name)
        column = table.column(name)
        column = column.cast(int8()).cast(kind) if name == "t_11_14" else column.cast(kind)
        table = table.set_column(place, name, column)
    file = tmp_path / "cases.arrow"
    with ipc.new_file(file, table.schema) as stream:
        stream.write_table(table)
    found = impact_on(change_to_draft(kb, FEP, draft, TO), file, Question())
    assert found.matrix["approve", "deny"] == 1
    assert found.proof is not None
    assert [each.rows for each in found.proof.differences] == [1]


@pytest.mark.parametrize("ending", ["csv", "parquet", "ndjson"])
def test_the_list_is_empty_where_no_row_can_be_decided(
    kb: KnowledgeBase, draft: Path, tmp_path: Path, ending: str
) -> None:
    listed = tmp_path / f"rows.{ending}"
    file = written([{**APPROVED, "age": 200, "regimen": []}], tmp_path / "cases.ndjson")
    question = Question(by=("age", "regimen"), list_file=listed, proved=False)
    found = impact_on(change_to_draft(kb, FEP, draft, TO), file, question)
    assert (found.rejected, found.breakdowns) == (1, {"age": (), "regimen": ()})
    if ending == "parquet":
        assert parquet.read_table(listed).num_rows == 0
    else:
        assert len(listed.read_text().splitlines()) == (ending == "csv")


def test_the_list_is_json_line_by_line_whatever_is_kept(
    kb: KnowledgeBase, draft: Path, tmp_path: Path
) -> None:
    file, listed = tmp_path / "cases.parquet", tmp_path / "rows.ndjson"
    rows = [{**APPROVED, "age": 19, "site": float("nan")}]
    parquet.write_table(Table.from_pylist(rows), file)
    question = Question(keep=("site",), list_file=listed, proved=False)
    impact_on(change_to_draft(kb, FEP, draft, TO), file, question)
    assert "NaN" not in listed.read_text()
    assert json.loads(listed.read_text())["site"] is None
    assert {each.name for each in tmp_path.iterdir()} == {"cases.parquet", "rows.ndjson"}
