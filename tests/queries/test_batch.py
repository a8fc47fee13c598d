"""Tables of any make are decided as each case alone is, and no row is lost."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import oracle
import pytest

from engine import diagram
from engine import many as engine_many
from engine.determination import Determination, Outcome
from facts.errors import (
    CaseError,
    TableError,
    UnknownPolicyError,
    UnknownReadingError,
)
from facts.vocabulary import Kind
from policygrounds import Case, KnowledgeBase
from queries.wording import granted_in_words

pa = pytest.importorskip("pyarrow", reason="the extra tables is not installed")

from queries.batch import blocks, frames, reading  # noqa: E402 - it needs the extra
from queries.batch.layout import Heading  # noqa: E402 - likewise

CENTENE, FEP = "CP.PHAR.302", "5.21.071"
DAY = "2025-09-15"
ROWS = 120
LISTS = pa.list_(pa.string())
Rows = Sequence[Mapping[str, Any]]


def said(determination: Determination) -> dict[str, Any]:
    """Return what a row is to say of a determination."""
    granted = determination.authorization
    reasons = {
        Outcome.APPROVE: "criteria_met",
        Outcome.REFER: "referred",
        Outcome.PEND: "facts_missing" if determination.possible else "contradiction",
    }
    basis = list(determination.basis)
    approved = determination.outcome is Outcome.APPROVE
    return {
        "policy": determination.policy,
        "version": determination.version,
        "outcome": determination.outcome.value,
        "reason_codes": basis or [reasons[determination.outcome]],
        "basis": basis,
        "pathway": list(determination.pathways),
        "months": granted.months[0] if len(granted.months) == 1 else None,
        "authorization": granted_in_words(granted) if approved else None,
        "refer_to": list(determination.refer_to),
        "deciding_sections": list(determination.deciding_sections),
        "needs_clinician": determination.needs_clinician,
    }


def expected(kb: KnowledgeBase, rows: Rows, policy: str = CENTENE, **chosen: str) -> list[Any]:
    """Decide cases one by one; say of each row what the table is to say."""
    return [
        {
            "row": place,
            **said(kb.determine(Case(policy=policy, on=DAY, facts=facts), readings=chosen)),
        }
        for place, facts in enumerate(rows, start=1)
    ]


def answers(kb: KnowledgeBase, data: Any, *policies: str, **options: Any) -> list[Any]:
    """Decide a table of which no row is rejected."""
    decided = kb.batch(data, *(policies or [CENTENE]), on=DAY, **options)
    assert decided.rejected.to_pylist() == []
    found: list[Any] = decided.answered.to_pylist()
    return found


def reasons(kb: KnowledgeBase, data: Any, *policies: str, **options: Any) -> dict[int, str]:
    """Decide a table; return why rows were rejected, of rows that are not lost or doubled."""
    decided = kb.batch(data, *(policies or [FEP]), on=DAY, **options)
    refused = {each["row"]: each["reason"] for each in decided.rejected.to_pylist()}
    answered = decided.answered.column("row").to_pylist()
    assert len(refused) == decided.rejected.num_rows
    assert sorted([*answered, *refused]) == list(range(1, len(data) + 1))
    return refused


# --- Tables of every make ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain(kb: KnowledgeBase) -> list[dict[str, Any]]:
    """Draw cases that state values or nothing; half are partial, some contradict themselves."""
    rng = random.Random(20)
    rows = []
    for place in range(ROWS):
        facts = oracle.random_case(rng, CENTENE, complete=place % 2 == 0, free_budget=2_000)
        values = {name: None if isinstance(raw, dict) else raw for name, raw in facts.items()}
        rows.append({name: values.get(name) for name in kb.vocabulary.facts})
    return rows


@pytest.fixture(scope="module")
def alone(kb: KnowledgeBase, plain: Rows) -> list[Any]:
    found = expected(kb, plain)
    assert {each["outcome"] for each in found} == {outcome.value for outcome in Outcome}
    assert ["contradiction"] in [each["reason_codes"] for each in found]
    return found


def table(rows: Rows) -> Any:
    """Return rows as a table; columns of lists are lists even where all are empty."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table(
        {
            name: pa.array([row.get(name) for row in rows], LISTS if name in oracle.SETS else None)
            for name in names
        }
    )


def as_types(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a change of the columns of a table; None leaves one as it is."""

    def changed(data: Any) -> Any:
        columns = [column.combine_chunks() for column in data.columns]
        made = [make(column) for column in columns]
        return pa.table(
            [one if one is not None else other for one, other in zip(made, columns, strict=True)],
            names=data.column_names,
        )

    return changed


def texts_as(kind: Any) -> Callable[[Any], Any]:
    def make(column: Any) -> Any:
        if pa.types.is_string(column.type):
            return column.cast(kind)
        return pa.array(column.to_pylist(), pa.list_(kind)) if column.type == LISTS else None

    return as_types(make)


def lists_as(kind: Any) -> Callable[[Any], Any]:
    return as_types(lambda column: column.cast(kind) if column.type == LISTS else None)


def numbers_as(kind: Any) -> Callable[[Any], Any]:
    def make(column: Any) -> Any:
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            return column.cast(kind)
        return None

    return as_types(make)


def smallest_integers(data: Any) -> Any:
    """Give each column of whole numbers the smallest type that holds them."""

    def make(column: Any) -> Any:
        if not pa.types.is_integer(column.type):
            return None
        largest = max(value or 0 for value in column.to_pylist())
        return column.cast(pa.uint8() if largest < 256 else pa.uint16())

    return as_types(make)(data)


def listed_once(column: Any) -> Any:
    """Encode lists by a dictionary of lists."""
    if column.type != LISTS:
        return column.dictionary_encode()
    distinct = list(dict.fromkeys(map(repr, column.to_pylist())))
    lists = {repr(each): each for each in column.to_pylist()}
    places = [distinct.index(repr(each)) for each in column.to_pylist()]
    return pa.DictionaryArray.from_arrays(
        pa.array(places, pa.int16()), pa.array([lists[each] for each in distinct], LISTS)
    )


def sliced(data: Any) -> Any:
    """Cut the same rows out of a longer table, at no byte's border."""
    junk = data.slice(0, 13)
    return pa.concat_tables([junk, data, junk]).combine_chunks().slice(13, data.num_rows)


def chunked(data: Any) -> Any:
    pieces = [data.slice(start, 17) for start in range(0, data.num_rows, 17)]
    return pa.concat_tables([data.slice(0, 0), *pieces])


def with_members(data: Any) -> Any:
    """Give each member of a set a column of its own."""
    for name in oracle.SETS:
        lists = data.column(name).to_pylist()
        data = data.drop_columns([name])
        for drug in oracle.DRUGS:
            said = [None if each is None else drug in each for each in lists]
            data = data.append_column(f"{name}.{drug}", pa.array(said, pa.bool_()))
    return data


def polars_frame(data: Any) -> Any:
    return pytest.importorskip("polars").from_arrow(data)


def polars_categories(data: Any) -> Any:
    polars = pytest.importorskip("polars")
    return polars.from_arrow(data).with_columns(
        polars.col(polars.String).cast(polars.Categorical),
        polars.col(polars.List(polars.String)).cast(polars.List(polars.Categorical)),
    )


def pandas_arrow(data: Any) -> Any:
    return data.to_pandas(types_mapper=pytest.importorskip("pandas").ArrowDtype)


def pandas_objects(data: Any) -> Any:
    """Return a frame of Python's own objects, under an index of its own."""
    pandas = pytest.importorskip("pandas")
    columns = {name: data.column(name).to_pylist() for name in data.column_names}
    return pandas.DataFrame(columns, dtype=object, index=range(5, 5 + data.num_rows))


def pandas_values(data: Any) -> Any:
    """Return a frame as pandas makes it: numbers that may be missing are floats."""
    pytest.importorskip("pandas")
    return data.to_pandas()


def duckdb_relation(data: Any) -> Any:
    return pytest.importorskip("duckdb", reason="duckdb is not installed").from_arrow(data)


MAKES: dict[str, Callable[[Any], Any]] = {
    "arrow": lambda data: data,
    "a stream": lambda data: data.to_reader(max_chunksize=11),
    "large lists": lists_as(pa.large_list(pa.large_string())),
    "views of lists": as_types(
        lambda column: (
            pa.array(column.to_pylist(), pa.list_view(pa.string()))
            if column.type == LISTS
            else None
        )
    ),
    "large texts": texts_as(pa.large_string()),
    "views of texts": texts_as(pa.string_view()),
    "texts as bytes": as_types(
        lambda column: column.cast(pa.binary()) if pa.types.is_string(column.type) else None
    ),
    "categories": texts_as(pa.dictionary(pa.int32(), pa.string())),
    "lists by a dictionary": as_types(listed_once),
    "sliced": sliced,
    "chunked": chunked,
    "sliced chunks of categories": lambda data: chunked(
        sliced(texts_as(pa.dictionary(pa.int8(), pa.string()))(data))
    ),
    "decimals": numbers_as(pa.decimal128(30, 2)),
    "large decimals": numbers_as(pa.decimal256(40, 1)),
    "floats": numbers_as(pa.float64()),
    "sliced floats": lambda data: sliced(numbers_as(pa.float64())(data)),
    "small integers": smallest_integers,
    "columns of members": with_members,
    "sliced columns of members": lambda data: sliced(with_members(data)),
    "polars": polars_frame,
    "categories of polars": polars_categories,
    "pandas with types of Arrow": pandas_arrow,
    "pandas with objects": pandas_objects,
    "pandas": pandas_values,
    "duckdb": duckdb_relation,
}


@pytest.mark.parametrize("make", MAKES)
def test_a_table_of_any_make_is_decided_as_its_cases_are(
    kb: KnowledgeBase, plain: Rows, alone: list[Any], make: str
) -> None:
    assert answers(kb, MAKES[make](table(plain))) == alone


def structured(kb: KnowledgeBase, facts: Mapping[str, Any]) -> dict[str, Any]:
    """State the same in the long form of every value; what is not said is null."""
    found: dict[str, Any] = {}
    for name, fact in kb.vocabulary.facts.items():
        raw = facts.get(name)
        if raw is None or isinstance(raw, dict | bool):
            found[name] = raw
        elif fact.kind is Kind.NUMBER:
            found[name] = {"at_least": raw, "at_most": raw}
        elif fact.kind is Kind.CHOICE:
            found[name] = {"one_of": [raw]}
        else:
            found[name] = {"includes": raw, "excludes": sorted(fact.known_values - {*raw})}
    return found


@pytest.mark.parametrize("make", ["arrow", "polars"])
@pytest.mark.parametrize("policy", [FEP, CENTENE])
def test_bounds_choices_and_partial_sets_are_read_as_in_cases(
    kb: KnowledgeBase, policy: str, make: str
) -> None:
    rng = random.Random(policy)
    rows = [oracle.random_case(rng, policy, complete=False, free_budget=2_000) for _ in range(60)]
    assert any(isinstance(value, dict) for row in rows for value in row.values())
    data = MAKES[make](pa.Table.from_pylist([structured(kb, facts) for facts in rows]))
    assert answers(kb, data, policy) == expected(kb, rows, policy)


def test_rows_that_are_all_unknown_are_decided(kb: KnowledgeBase) -> None:
    data = pa.table({"age": pa.nulls(3), "regimen": pa.array([[], [], None], pa.list_(pa.null()))})
    rows: Rows = [{"regimen": []}, {"regimen": []}, {}]
    assert answers(kb, data) == expected(kb, rows)


def test_a_row_of_which_no_column_is_asked_is_decided(kb: KnowledgeBase) -> None:
    found = answers(kb, pa.table({"site": [1, 2]}), ignore=["site"])
    assert found == expected(kb, [{}, {}])


def test_an_empty_table_has_an_empty_answer(kb: KnowledgeBase) -> None:
    decided = kb.batch(pa.table({"age": pa.array([], pa.int64())}), FEP)
    assert (decided.answered.num_rows, decided.rejected.num_rows) == (0, 0)
    assert decided.answered.schema.names == ["row", *blocks.ANSWERED.names]
    assert decided.pandas().empty
    assert decided.polars().is_empty()


def test_rows_are_numbered_across_blocks(
    kb: KnowledgeBase, plain: Rows, alone: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "BLOCK", 7)
    assert answers(kb, table(plain)) == alone
    ages = [20, 500] * 10
    assert [*reasons(kb, pa.table({"age": ages}))] == list(range(2, 21, 2))


def test_values_are_read_anew_where_too_many_were_kept(
    kb: KnowledgeBase, plain: Rows, alone: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "BLOCK", 10)
    monkeypatch.setattr(reading, "MOST_VALUES", 1)
    assert answers(kb, numbers_as(pa.decimal128(30, 1))(table(plain))) == alone


@pytest.mark.parametrize("policy", [FEP, CENTENE])
def test_readings_are_those_chosen(kb: KnowledgeBase, plain: Rows, policy: str) -> None:
    chosen = {name: choices[1] for name, choices in oracle.READINGS[policy].items()}
    found = answers(kb, table(plain), policy, readings=chosen)
    assert found == expected(kb, plain, policy, **chosen)
    assert found != answers(kb, table(plain), policy)


def test_a_reading_may_be_chosen_for_one_of_several_policies(
    kb: KnowledgeBase, plain: Rows
) -> None:
    readings = {f"{FEP}:in_combination_with": "exactly"}
    found = answers(kb, table(plain), FEP, CENTENE, readings=readings)
    assert [row for row in found if row["policy"] == FEP] == expected(
        kb, plain, FEP, in_combination_with="exactly"
    )
    assert [row for row in found if row["policy"] == CENTENE] == expected(kb, plain)


def test_answers_of_several_policies_stand_row_by_row(kb: KnowledgeBase, plain: Rows) -> None:
    found = answers(kb, table(plain), CENTENE, FEP)
    order = [(place, policy) for place in range(1, ROWS + 1) for policy in (CENTENE, FEP)]
    assert [(row["row"], row["policy"]) for row in found] == order


def test_without_parts_rows_say_the_outcome_alone(
    kb: KnowledgeBase, plain: Rows, alone: list[Any]
) -> None:
    names = ("row", "policy", "version", "outcome")
    found = answers(kb, table(plain), parts=False)
    assert found == [{name: row[name] for name in names} for row in alone]


@pytest.mark.parametrize("what", ["all rows", "rows with unknown facts"])
@pytest.mark.parametrize("parts", [True, False])
def test_what_is_not_compiled_is_decided_by_the_solver(
    kb: KnowledgeBase,
    plain: Rows,
    alone: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    *,
    parts: bool,
) -> None:
    monkeypatch.setattr(engine_many, "_proved", {})
    if what == "rows with unknown facts":
        monkeypatch.setattr(diagram, "MOST_NODES", 10)
    else:
        monkeypatch.setattr(engine_many.ManyCases, "equals", lambda _: False)
    asked: list[Case] = []
    determine = kb.determine

    def counted(case: Case, **options: Any) -> Determination:
        asked.append(case)
        return determine(case, **options)

    monkeypatch.setattr(kb, "determine", counted)
    some = with_members(numbers_as(pa.float64())(table(plain[:40])))
    found = answers(kb, pa.concat_tables([some, some]), parts=parts)
    assert found[:40] == [{name: row[name] for name in found[0]} for row in alone[:40]]
    assert [row | {"row": row["row"] + 40} for row in found[:40]] == found[40:]
    # Rows that are alike are decided once.
    assert 0 < len(asked) <= (40 if what == "all rows" else 20)


def test_a_domain_with_more_values_than_an_integer_has_bits_is_decided_by_the_solver(
    kb: KnowledgeBase, plain: Rows, alone: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("queries.batch.deciding.MOST_SIZE", 2)
    monkeypatch.setattr("queries.batch.deciding.VersionDecider._signatures", None)
    assert answers(kb, table(plain[:30])) == alone[:30]


def test_the_cheapest_change_is_the_first_that_is_explained(kb: KnowledgeBase) -> None:
    approved = {"request": "initial", "diagnosis": "multiple_myeloma", "age": 60}
    approved |= {"prior_lines": 1, "regimen": ["ixazomib", "lenalidomide", "dexamethasone"]}
    rows = [approved, {**approved, "age": 17}, {**approved, "prior_lines": 0}, {}]
    data = table(rows)
    found = answers(kb, data, FEP, changes=True)
    for row, facts in zip(found, rows, strict=True):
        explanation = kb.explain(Case(policy=FEP, on=DAY, facts=facts))
        first = explanation.changes[0] if explanation.changes else None
        wanted = first is not None and row["outcome"] != "approve"
        assert row["change_effort"] == (first.effort.value if first and wanted else None)
        assert bool(row["change"]) is wanted
    assert [bool(row["change"]) for row in found] == [False, False, True, True]
    assert [{**row, "row": 1} for row in answers(kb, data.slice(3), FEP, changes=True)] == [
        {**found[3], "row": 1}
    ]


def test_changes_stand_in_the_rows_they_are_of(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worded(case: Case, _: object) -> blocks.Change:
        return blocks.Change(f"{case.policy} {case.on} {case.facts['age']}", "document")

    monkeypatch.setattr(kb, "explain", lambda case, **_: case)
    monkeypatch.setattr(blocks, "cheapest_change", worded)
    days = [*DAYS, None] * 4
    data = pa.table({"on": days, "age": [{"at_least": age} for age in range(20, 40)]})
    found = answers(kb, data, FEP, CENTENE, changes=True, ignore=["on"])
    found += answers(kb, data, CENTENE, changes=True)
    assert len(found) == 60
    for row in found:
        age = {"at_least": row["row"] + 19}
        assert row["change"] == f"{row['policy']} {row['version']} {age}"


# --- What names a case ---------------------------------------------------------------------------

DAYS = ["2025-09-15", "2023-08-31", "2022-08-01", "2024-08-01"]
STARTS = ["2025-08-01", "2023-08-01", "2022-08-01", "2024-08-01"]


@pytest.mark.parametrize(
    "days",
    [
        pa.array([*DAYS, None]),
        pa.array([*DAYS, ""]),
        pa.array([*DAYS, None], pa.large_string()),
        pa.array([*DAYS, None], pa.string_view()),
        pa.array([*DAYS, None]).dictionary_encode(),
        pa.array([*map(date.fromisoformat, DAYS), None]),
        pa.array([*map(datetime.fromisoformat, DAYS), None]),
        pa.array([*map(datetime.fromisoformat, DAYS), None], pa.timestamp("ns")),
        pa.array([*map(date.fromisoformat, DAYS), None], pa.date64()),
    ],
    ids=lambda days: str(days.type),
)
def test_each_row_is_decided_by_the_version_of_its_day(kb: KnowledgeBase, days: Any) -> None:
    data = pa.table({"on": days, "age": [60] * 5})
    found = answers(kb, data)
    assert [row["version"] for row in found] == [*STARTS, "2025-08-01"]
    assert [row["on"] for row in found] == days.to_pylist()


@pytest.mark.parametrize(
    "days",
    [
        pa.array([DAY, "15.9.2025", "2025-9-15", "2025-W38-1", "20250915", "2025-02-30"]),
        pa.array([DAY, "15.9.2025", "2025-9-15", "2025-W38-1", "20250915", "x"], pa.string_view()),
        pa.array([None, 20250915, 0, 1, -1, 2025]),
        pa.array([None, True, False, True, True, False]),
        pa.array([None, *[[DAY]] * 5]),
        pa.array([None, *[{"day": DAY}] * 5]),
    ],
    ids=lambda days: str(days.type),
)
def test_a_day_that_is_none_is_rejected(kb: KnowledgeBase, days: Any) -> None:
    found = reasons(kb, pa.table({"on": days, "age": [60] * 6}))
    assert found == dict.fromkeys(range(2, 7), "on: expected a date such as 2025-09-15")


def test_a_day_without_a_version_is_rejected_with_what_there_is(kb: KnowledgeBase) -> None:
    data = pa.table({"on": [DAY, "2023-01-01", "1999-01-01"], "id": ["a", "b", "c"]})
    decided = kb.batch(data, FEP, CENTENE)
    assert decided.rejected.column("row").to_pylist() == [2, 3]
    assert decided.rejected.column("id").to_pylist() == ["b", "c"]
    one, two = decided.rejected.column("reason").to_pylist()
    assert FEP in one
    assert CENTENE not in one
    assert FEP in two
    assert CENTENE in two
    found = [(row["row"], row["policy"]) for row in decided.answered.to_pylist()]
    assert found == [(1, FEP), (1, CENTENE), (2, CENTENE)]


@pytest.mark.parametrize("make", ["arrow", "categories", "views of texts", "polars", "pandas"])
def test_rows_may_name_their_policy(kb: KnowledgeBase, make: str) -> None:
    named = [FEP, CENTENE, "5.21.71", None, "", FEP]
    data = MAKES[make](pa.table({"policy": named, "age": [60, 60, 60, 60, 60, 500]}))
    decided = kb.batch(data, on=DAY)
    assert [(row["row"], row["policy"]) for row in decided.answered.to_pylist()] == [
        (1, FEP),
        (2, CENTENE),
    ]
    refused = decided.rejected.to_pylist()
    assert [row["row"] for row in refused] == [3, 4, 5, 6]
    assert "did you mean '5.21.071'?" in refused[0]["reason"]
    assert refused[1]["reason"] == refused[2]["reason"] == "policy: expected the number of a policy"


def test_policies_asked_about_go_before_those_that_rows_name(kb: KnowledgeBase) -> None:
    data = pa.table({"policy": [CENTENE, "none"], "age": [60, 60]})
    assert [row["policy"] for row in answers(kb, data, FEP)] == [FEP, FEP]


def test_without_policies_or_rows_that_name_them_a_table_is_refused(kb: KnowledgeBase) -> None:
    with pytest.raises(TableError, match="policy"):
        kb.batch(pa.table({"age": [60]}))


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", None]),
        pa.array(["a", None], pa.large_string()),
        pa.array(["a", None], pa.string_view()),
        pa.array(["a", None]).dictionary_encode(),
        pa.array([7, None]),
        pa.array([["a"], None]),
        pa.array([["a"], None], pa.large_list(pa.string_view())),
        pa.array([{"at": 1}, None]),
    ],
    ids=lambda values: str(values.type),
)
def test_ids_and_kept_columns_are_copied_whatever_they_hold(kb: KnowledgeBase, values: Any) -> None:
    data = pa.table({"id": values, "site": values, "age": [60, 60]})
    for row, value in zip(answers(kb, data, keep=["site"]), values.to_pylist(), strict=True):
        assert (row["id"], row["site"]) == (value, value)


def test_a_polars_frame_with_ids_days_and_kept_texts_is_decided(kb: KnowledgeBase) -> None:
    polars = pytest.importorskip("polars")
    data = polars.DataFrame({"id": ["a"], "on": [DAY], "site": ["x"], "age": [60]})
    (row,) = answers(kb, data, keep=["site"])
    assert (row["id"], row["on"], row["site"], row["version"]) == ("a", DAY, "x", "2025-08-01")


def test_rejected_rows_have_their_id(kb: KnowledgeBase) -> None:
    data = pa.table({"id": [7, 8, None], "age": [500, 60, 500]})
    rejected = kb.batch(data, FEP, on=DAY).rejected.to_pylist()
    assert [(row["row"], row["id"]) for row in rejected] == [(1, "7"), (3, None)]


@pytest.mark.parametrize("name", ["row", "outcome", "policy", "change"])
def test_a_kept_column_does_not_take_the_place_of_an_answer(kb: KnowledgeBase, name: str) -> None:
    data = pa.table({"age": [60, 70], name: ["mine", "mine"]})
    with pytest.raises(TableError, match=f"column '{name}'"):
        kb.batch(data, FEP, on=DAY, keep=[name], changes=name == "change")


def test_a_policy_asked_about_twice_answers_once(kb: KnowledgeBase) -> None:
    assert len(answers(kb, pa.table({"age": [60]}), FEP, FEP)) == 1


# --- Columns -------------------------------------------------------------------------------------


HELP = "a column that is none can be kept or ignored"


def refused(kb: KnowledgeBase, data: Any, **options: Any) -> tuple[str, ...]:
    with pytest.raises(TableError) as error:
        kb.batch(data, FEP, on=DAY, **options)
    return error.value.problems


def test_columns_that_are_no_facts_are_all_named_with_what_was_meant(kb: KnowledgeBase) -> None:
    data = pa.table({"agee": [60], "site": [1], "age.x": [1], "regimen.ixazomb": [True]})
    assert refused(kb, data) == (
        f"column 'agee' is no fact of the vocabulary; did you mean 'age'?; {HELP}",
        f"column 'site' is no fact of the vocabulary; {HELP}",
        "column 'age.x': 'age' is no set, and has no members",
        "column 'regimen.ixazomb': 'regimen' has no member 'ixazomb'; did you mean 'ixazomib'?",
    )


def test_columns_to_keep_or_ignore_must_be_there(kb: KnowledgeBase) -> None:
    data = pa.table({"age": [60], "site": [1]})
    assert refused(kb, data, keep=["sit"], ignore=["sites", "site"]) == (
        "there is no column 'sit' to keep; did you mean 'site'?",
        "there is no column 'sites' to ignore; did you mean 'site'?",
    )


def test_a_fact_that_is_ignored_or_kept_is_not_read(kb: KnowledgeBase) -> None:
    data = pa.table({"age": ["no number"], "request": ["initial"]})
    for options in ({"ignore": ["age"]}, {"keep": ["age"]}):
        (row,) = answers(kb, data, **options)
        assert row["outcome"] == expected(kb, [{"request": "initial"}])[0]["outcome"]


def test_a_set_and_its_members_cannot_both_have_columns(kb: KnowledgeBase) -> None:
    data = pa.table({"regimen": [["ixazomib"]], "regimen.ixazomib": [True]})
    problem = "column 'regimen.ixazomib': column 'regimen' says this already"
    assert refused(kb, data) == (problem,)


def test_a_column_that_is_there_twice_is_refused(kb: KnowledgeBase) -> None:
    data = pa.table([[1], [2]], names=["age", "age"])
    assert refused(kb, data) == ("column 'age' is there twice",)


def test_some_members_alone_leave_the_rest_of_a_set_open(kb: KnowledgeBase, plain: Rows) -> None:
    drugs = ("ixazomib", "dexamethasone", "bortezomib")
    data = with_members(table(plain))
    others = [f"regimen.{drug}" for drug in oracle.DRUGS if drug not in drugs]
    rows = []
    for row in plain:
        facts = {**row, "regimen": None}
        if row["regimen"] is not None:
            inside = [drug for drug in drugs if drug in row["regimen"]]
            outside = [drug for drug in drugs if drug not in row["regimen"]]
            facts["regimen"] = {"includes": inside, "excludes": outside}
        rows.append(facts)
    assert answers(kb, data.drop_columns(others)) == expected(kb, rows)


@pytest.mark.parametrize("data", [None, [{"age": 60}], {"age": [60]}, "age\n60\n", 7])
def test_what_is_no_table_is_refused(kb: KnowledgeBase, data: Any) -> None:
    with pytest.raises(TableError, match="expected a table"):
        kb.batch(data, FEP)


def test_what_is_asked_is_checked_before_rows_are(kb: KnowledgeBase) -> None:
    data = pa.table({"policy": ["none"], "age": [60]})
    with pytest.raises(UnknownPolicyError):
        kb.batch(data, "5.21.71")
    with pytest.raises(CaseError):
        kb.batch(data, FEP, on="tomorrow")
    for readings in ({"in_combination": "exactly"}, {"in_combination_with": "no choice"}):
        for policies in ((FEP,), ()):
            with pytest.raises(UnknownReadingError):
                kb.batch(data, *policies, readings=readings)


# --- Values --------------------------------------------------------------------------------------


def no_text(held: bytes) -> Any:
    """Return an array of texts with one that is no UTF-8."""
    ends = len(held).to_bytes(8, "little")[:4]
    return pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(bytes(4) + ends), pa.py_buffer(held)]
    )


HUGE = 2**63 - 1
WRONG: list[tuple[str, Any]] = [
    ("age", pa.array([500, -1, HUGE, -HUGE])),
    ("age", pa.array([2**64 - 1], pa.uint64())),
    ("age", pa.array([60.5, float("nan"), float("inf"), -float("inf"), 1e300, 121.0])),
    ("age", pa.array([float("nan")], pa.float32())),
    ("age", pa.array([Decimal("60.5"), Decimal(10) ** 30])),
    ("age", pa.array([True, False])),
    ("age", pa.array(["60", "old", ""])),
    ("age", pa.array(["60", "old"], pa.string_view())),
    ("age", pa.array(["60", "old"]).dictionary_encode()),
    ("age", pa.array([b"60", b"\xff"])),
    ("age", pa.array([[60], []])),
    ("age", pa.array([date(2020, 1, 1)])),
    ("age", pa.array([datetime(2020, 1, 1)])),  # noqa: DTZ001 - tables have such
    ("age", pa.array([{"at_least": 500, "at_most": 600}, {"at_least": 20, "at_most": 10}])),
    ("age", pa.array([{"one_of": [60]}, {"one_of": None}])),
    ("weekly_dose_mg", pa.array([2.25, 1000.1, -0.1])),
    ("weekly_dose_mg", pa.array([Decimal("2.25")])),
    ("t_11_14", pa.array([1, 0])),
    ("t_11_14", pa.array([1.0, 0.0])),
    ("t_11_14", pa.array(["true", "yes", ""])),
    ("t_11_14", pa.array([["true"]])),
    ("request", pa.array(["Initial", "", "initial "])),
    ("request", no_text("\xff\xfe".encode("latin-1"))),
    ("regimen", pa.ListArray.from_arrays(pa.array([0, 1]), no_text(b"\xff"))),
    ("age", pa.array([2**61], pa.timestamp("s"))),
    ("age", pa.array([2**30], pa.date32())),
    ("age", pa.array([1], pa.timestamp("s", "Nowhere/Else"))),
    ("request", pa.array([1, 0])),
    ("request", pa.array([True])),
    ("request", pa.array([b"\xff\xfe", b"Initial"])),
    ("request", pa.array([["initial"]])),
    ("request", pa.array([{"one_of": ["initial", "first"]}, {"one_of": []}])),
    ("regimen", pa.array(["ixazomib", "[]"])),
    ("regimen", pa.array([["ixazomib", None], [None]])),
    ("regimen", pa.array([["ixazomib", "Ixazomib"], ["ninlaro"], [""]])),
    ("regimen", pa.array([[1], [2]])),
    ("regimen", pa.array([[1.5]])),
    ("regimen", pa.array([[True]])),
    ("regimen", pa.array([[b"Ixazomib"], [b"\xff"]])),
    ("regimen", pa.array([[["ixazomib"]], [[]]])),
    ("regimen", pa.array([[{"drug": "ixazomib"}]])),
    ("regimen", pa.array([["x"], ["y"]], pa.list_(pa.dictionary(pa.int8(), pa.string())))),
    ("regimen", pa.array([["x"], ["y"]], pa.list_(pa.string_view()))),
    ("regimen", pa.array([["x"], ["y"]], pa.list_(pa.string(), 1))),
    ("regimen", pa.array([True])),
    ("regimen", pa.array([{"includes": ["x"], "excludes": []}])),
    ("regimen", pa.array([{"includes": ["ixazomib"], "excludes": ["ixazomib"]}])),
    ("regimen", pa.array([{"add": ["ixazomib"]}])),
    ("regimen.ixazomib", pa.array([1, 0])),
    ("regimen.ixazomib", pa.array(["true", "ixazomib"])),
    ("regimen.ixazomib", pa.array([["ixazomib"]])),
]


@pytest.mark.parametrize(
    ("name", "wrong"), WRONG, ids=[f"{name} {values.type}" for name, values in WRONG]
)
def test_values_that_do_not_fit_are_rejected_and_none_is_lost(
    kb: KnowledgeBase, name: str, wrong: Any
) -> None:
    size = len(wrong)
    values = pa.concat_arrays([pa.nulls(2, wrong.type), wrong, pa.nulls(3, wrong.type)])
    ages = [60] * (size + 5) if name != "age" else [None] * (size + 5)
    data = pa.table({name: values, ("age" if name != "age" else "prior_lines"): ages})
    found = reasons(kb, data)
    assert [*found] == list(range(3, size + 3))
    fact, _, member = name.partition(".")
    where = f"column '{name}'" if member else f"'{fact}'"
    assert all(where in reason for reason in found.values()), found
    # The same, in other rows of other blocks.
    assert [*reasons(kb, data.slice(2))] == list(range(1, size + 1))


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("age", 60.5),
        ("age", 500),
        ("age", "60"),
        ("age", True),
        ("age", [60]),
        ("t_11_14", 1),
        ("t_11_14", "true"),
        ("request", "Initial"),
        ("request", 1),
        ("regimen", "ixazomib"),
        ("regimen", ["Ninlaro"]),
        ("regimen", {"includes": ["x"], "excludes": ["ixazomib"]}),
        ("age", {"at_least": 70, "at_most": 60}),
    ],
)
def test_a_value_is_rejected_for_the_reason_that_a_case_is(
    kb: KnowledgeBase, name: str, raw: object
) -> None:
    with pytest.raises(CaseError) as error:
        kb.determine(Case(policy=FEP, on=DAY, facts={name: raw}))
    assert reasons(kb, pa.table({name: pa.array([raw])})) == {1: "; ".join(error.value.problems)}


def test_a_null_list_may_lie_over_members(kb: KnowledgeBase) -> None:
    values = pa.array(["bortezomib", "ixazomib", "thalidomide"])
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 3]), values, mask=pa.array([True, False]))
    rows: Rows = [{}, {"prior_drugs": ["thalidomide"]}]
    assert answers(kb, pa.table({"prior_drugs": lists})) == expected(kb, rows)


def test_members_may_be_bytes(kb: KnowledgeBase) -> None:
    data = pa.table({"prior_drugs": pa.array([[b"bortezomib"], []])})
    assert answers(kb, data) == expected(kb, [{"prior_drugs": ["bortezomib"]}, {"prior_drugs": []}])


def test_every_member_that_is_none_is_named_with_its_place(kb: KnowledgeBase) -> None:
    members = ["ixazomib", "zzz", "yyy"]
    with pytest.raises(CaseError) as said:
        kb.outcome(Case(policy=FEP, on=DAY, facts={"regimen": members}))
    found = reasons(kb, pa.table({"regimen": pa.array([members])}))
    assert found == {1: "; ".join(said.value.problems)}


def test_days_and_names_that_cannot_be_read_are_said_so(kb: KnowledgeBase) -> None:
    for days in (
        pa.array([2**30], pa.date32()),
        pa.array([2**61], pa.timestamp("s")),
        pa.array([1], pa.timestamp("s", "Nowhere/Else")),
        no_text(b"\xff"),
    ):
        found = reasons(kb, pa.table({"age": [3], "on": days}))
        assert found == {1: "on: expected a date such as 2025-09-15"}
    data = pa.table({"age": pa.array(["x"]), "id": no_text(b"a\xff")})
    assert kb.batch(data, FEP, on=DAY).rejected.to_pylist()[0]["id"] == "no UTF-8 text"
    data = pa.table({"age": [70], "id": no_text(b"a\xff"), "site": no_text(b"\xffb")})
    (row,) = kb.batch(data, FEP, on=DAY, keep=["site"]).answered.to_pylist()
    assert (row["id"], row["site"]) == ("a\ufffd", "\ufffdb")


def test_a_key_given_twice_in_a_text_is_refused(kb: KnowledgeBase) -> None:
    reader = reading.ColumnReader(
        Heading("prior_drugs", kb.vocabulary.facts["prior_drugs"]), reading.Texts.PLAIN
    )
    text = '{"includes": ["ixazomib"], "includes": ["bortezomib"]}'
    ((_, problem),) = reader.read(pa.array([text, "bortezomib"])).wrong()
    assert problem == "fact 'prior_drugs': 'includes' is given twice"


@pytest.mark.parametrize("kind", ["int8", "int16", "uint8", "int64", "float32"])
def test_numbers_of_any_width_are_compared_in_full(kb: KnowledgeBase, kind: str) -> None:
    wide = replace(kb.vocabulary.facts["age"], decimals=3, lowest=2_000, highest=900_000)
    reader = reading.ColumnReader(Heading("age", wide), reading.Texts.NONE)
    found = reader.read(pa.array([1, 2, 100], kind))
    assert [row for row, _ in found.wrong()] == [0]


def test_all_that_is_wrong_with_a_row_is_said_at_once(kb: KnowledgeBase) -> None:
    data = pa.table({"age": [500], "request": ["x"], "on": ["y"], "policy": ["z"]})
    (reason,) = kb.batch(data).rejected.column("reason").to_pylist()
    assert [part in reason for part in ("'age'", "'request'", "on: ", "policy 'z'")] == [True] * 4


def test_reasons_never_hold_what_a_patient_is(kb: KnowledgeBase) -> None:
    name = "Jane Roe"
    data = pa.table({"request": [name], "regimen": [[name]], "on": [name], "age": [name]})
    (reason,) = reasons(kb, data).values()
    assert name not in reason


def test_an_index_that_has_no_place_for_null_is_read(kb: KnowledgeBase) -> None:
    places = pa.array([0, 127, None], pa.int8())
    doses = pa.array([place / 10 for place in range(128)])
    data = pa.table({"weekly_dose_mg": pa.DictionaryArray.from_arrays(places, doses)})
    rows: Rows = [{"weekly_dose_mg": 0}, {"weekly_dose_mg": 12.7}, {}]
    assert answers(kb, data) == expected(kb, rows)


def test_a_null_within_a_dictionary_is_unknown(kb: KnowledgeBase) -> None:
    ages = pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array([None, 17]))
    assert answers(kb, pa.table({"age": ages})) == expected(kb, [{}, {"age": 17}, {}])


@pytest.mark.parametrize("size", [1, 2])
def test_lists_of_one_length_may_be_null(kb: KnowledgeBase, size: int) -> None:
    drugs = ["ixazomib", "dexamethasone"][:size]
    lists = [drugs, None, ["bortezomib", "carfilzomib"][:size], None, drugs]
    data = pa.table({"regimen": pa.array([["x"] * size, *lists], pa.list_(pa.string(), size))})
    rows = [{"request": "initial", "regimen": each} for each in lists]
    request = pa.array(["initial"] * 6)
    data = data.append_column("request", request).slice(1)
    assert answers(kb, data) == expected(kb, rows)


EXTENSIONS = {
    "uuid": lambda: pa.array([b"\xff" * 16], pa.uuid()),
    "json": lambda: pa.array(["60"], pa.json_()),
    "bool8": lambda: pa.array([1], pa.bool8()),
    "runs": lambda: pa.RunEndEncodedArray.from_arrays([1], ["a"]),
    "map": lambda: pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "interval": lambda: pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
}


@pytest.mark.parametrize("name", ["age", "request", "regimen", "on", "policy"])
@pytest.mark.parametrize("kind", EXTENSIONS)
def test_a_column_of_an_unusual_type_is_rejected_or_refused(
    kb: KnowledgeBase, kind: str, name: str
) -> None:
    data = pa.table({name: EXTENSIONS[kind]()})
    try:
        decided = kb.batch(data, *([] if name == "policy" else [FEP]), on=DAY)
    except TableError as error:
        assert f"column {name!r}" in str(error)  # noqa: PT017 - either will do
    else:
        assert decided.rejected.num_rows == 1


def test_a_pandas_column_of_mixed_objects_is_refused_without_its_values(
    kb: KnowledgeBase,
) -> None:
    pandas = pytest.importorskip("pandas")
    data = pandas.DataFrame({"age": [60, "sixty-one"]}, dtype=object)
    with pytest.raises(TableError) as error:
        kb.batch(data, FEP)
    assert "column age" in str(error.value)
    assert "sixty-one" not in str(error.value)


def test_random_spoiled_tables_lose_no_row(kb: KnowledgeBase, plain: Rows) -> None:
    rng = random.Random(9)
    rows = [dict(row) for row in plain]
    spoiled = {}
    for place, row in enumerate(rows, start=1):
        if rng.random() < 0.3:
            name, raw = rng.choice([("age", 500), ("request", "x"), ("regimen", ["ixazomib", "x"])])
            row[name] = raw
            spoiled[place] = name
    found = reasons(kb, chunked(table(rows)), CENTENE)
    assert [*found] == [*spoiled]
    assert all(f"'{spoiled[row]}'" in reason for row, reason in found.items())
    left = [row for place, row in enumerate(rows, start=1) if place not in spoiled]
    decided = kb.batch(table(rows), CENTENE, on=DAY).answered.to_pylist()
    assert [{**row, "row": 0} for row in decided] == [
        {**row, "row": 0} for row in expected(kb, left)
    ]
