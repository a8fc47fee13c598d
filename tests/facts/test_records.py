"""Reading records: every problem at once, named by its record and field, without a patient's values."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facts.records import RecordWords, read_records
from policygrounds import Case, CaseError, KnowledgeBase


@pytest.fixture(scope="module")
def words(kb: KnowledgeBase) -> RecordWords:
    return kb.record_words


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({"theraphies": []}, "records, theraphies: unknown key; did you mean 'therapies'?"),
        ({"therapies": {}}, "records, therapies: expected a list of records"),
        ({"therapies": [1]}, "records, therapies 1: expected an object"),
        ({"complete": ["labs"]}, "records, complete 1: expected one of cytogenetics, laboratory, "),
        (
            {"therapies": [{"drugs": ["bortezomid"]}]},
            "records, therapies 1, drugs 1: this is no known drug; did you mean 'bortezomib'?",
        ),
        ({"therapies": [{"drugs": []}]}, "records, therapies 1, drugs: expected a list"),
        ({"therapies": [{}]}, "records, therapies 1, drugs: expected a list"),
        (
            {"therapies": [{"drugs": ["Velcade"], "lines": 1}]},
            "records, therapies 1, lines: unknown key; did you mean 'line'?",
        ),
        (
            {"therapies": [{"drugs": ["Velcade"], "line": 0}]},
            "records, therapies 1, line: expected a whole number from 1 to 30",
        ),
        (
            {"therapies": [{"drugs": ["Velcade"], "end": "01.08.2021"}]},
            'a month (2024-03) or a year (2024) or "ongoing"',
        ),
        (
            {"therapies": [{"drugs": ["Velcade"], "best_response": "partal"}]},
            "did you mean 'partial'?",
        ),
        ({"laboratory": [{"value": 1}]}, "records, laboratory 1, measurement: expected a LOINC"),
        (
            {"laboratory": [{"code": "33944-8", "value": 1}]},
            "records, laboratory 1, code: this code is not accepted: it is none of LOINC",
        ),
        (
            {"laboratory": [{"code": "777-33", "value": 1}]},
            "did you mean '777-3'?",
        ),
        (
            {"laboratory": [{"code": "777-3", "measurement": "neutrophils", "value": 1}]},
            "records, laboratory 1, code: this is the code of platelets",
        ),
        ({"laboratory": [{"code": "777-3", "value": "low"}]}, "records, laboratory 1, value: "),
        ({"laboratory": [{"code": "777-3", "value": -1}]}, "records, laboratory 1, value: "),
        ({"laboratory": [{"code": "777-3", "value": True}]}, "records, laboratory 1, value: "),
        (
            {"laboratory": [{"measurement": "plasmacytoma", "value": "gone"}]},
            "records, laboratory 1, value: expected one of absent, present",
        ),
        ({"cytogenetics": [{"finding": "t(11;14)"}]}, "records, cytogenetics 1, method: "),
        (
            {"prescriptions": [{"drug": "rifampicin"}]},
            "did you mean 'rifampin'?",
        ),
        (
            {"prescriptions": [{"drug": "Ninlaro", "dose_days": [1, 29], "cycle_days": 28}]},
            "records, prescriptions 1, dose_days: a dose on a day after the end of the cycle",
        ),
        (
            {"prescriptions": [{"drug": "Ninlaro", "dose_days": [1], "doses_per_cycle": 3}]},
            "records, prescriptions 1, doses_per_cycle: it is not the number of dose_days",
        ),
    ],
)
def test_what_cannot_be_read_is_named(
    words: RecordWords, raw: Mapping[str, object], problem: str
) -> None:
    _, problems = read_records(raw, words)
    assert any(problem in one for one in problems), problems


def test_all_problems_of_facts_and_records_come_at_once(kb: KnowledgeBase) -> None:
    case = Case(
        policy="5.21.071",
        on="2025-09-15",
        id="many",
        facts={"agee": 1},
        records={"therapies": [{"drugs": ["x"], "line": "two"}], "birth_date": "soon"},
    )
    with pytest.raises(CaseError) as error:
        kb.determine(case)
    assert len(error.value.problems) == 4
    assert "two" not in str(error.value)
    assert "soon" not in str(error.value)


def test_a_misspelt_key_of_a_case_is_told_from_records() -> None:
    with pytest.raises(CaseError, match="unknown key 'record'; did you mean 'records'"):
        Case.from_json({"policy": "5.21.071", "facts": {}, "record": {}})
    with pytest.raises(CaseError, match="records: expected an object"):
        Case.from_json({"policy": "5.21.071", "facts": {}, "records": []})


def test_null_says_nothing(words: RecordWords) -> None:
    therapy = {"drugs": ["Velcade"], "line": None, "start": None, "end": None, "progression": None}
    records, problems = read_records({"therapies": [therapy], "birth_date": None}, words)
    assert problems == []
    assert records.birth_date is None
    (read,) = records.therapies
    assert (read.line, read.start, read.ongoing, read.no_progression) == (None, None, False, False)


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    [
        *("therapies", "laboratory", "cytogenetics", "prescriptions", "complete", "birth_date"),
        *("drugs", "line", "start", "end", "value", "unit", "code", "drug", "dose_days", "finding"),
    ]
)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)


@given(JSON)
def test_whatever_is_given_is_read_or_refused_in_words(words: RecordWords, raw: object) -> None:
    _, problems = read_records(raw, words)
    assert all(isinstance(problem, str) for problem in problems)
