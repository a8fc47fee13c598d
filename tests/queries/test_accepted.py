"""Accepted findings: what their file says, what is wrong with it, and which of them are stale."""

import json
import os
from pathlib import Path

import pytest

from engine.analysis.finding import Finding, FindingKind, Severity
from facts.errors import AcceptanceError
from policygrounds import KnowledgeBase
from queries.accepted import (
    LARGEST_FILE,
    Acceptance,
    accepted_file,
    read_accepted,
    stale_acceptances,
)

ENTRY = {"id": "P:never-met:1", "reason": "Meant so.", "date": "2025-09-15"}


def written(folder: Path, raw: object) -> Path:
    file = folder / "P.accepted.json"
    file.write_text(raw if isinstance(raw, str) else json.dumps(raw), "utf-8")
    return file


def problems(file: Path) -> list[str]:
    with pytest.raises(AcceptanceError) as error:
        read_accepted(file)
    assert str(error.value).splitlines() == [
        f"{file}: {problem}" for problem in error.value.problems
    ]
    return list(error.value.problems)


def test_the_file_lies_beside_the_policy_and_is_named_after_it() -> None:
    policy = Path("own/CP.PHAR.302_ixazomib.lp")
    assert accepted_file(policy) == Path("own/CP.PHAR.302_ixazomib.accepted.json")


def test_without_a_file_nothing_is_accepted(tmp_path: Path) -> None:
    assert read_accepted(tmp_path / "none.accepted.json") == {}


def test_entries_are_read_by_their_id(tmp_path: Path) -> None:
    other = {**ENTRY, "id": "P:same-criterion:1 = 2"}
    found = read_accepted(written(tmp_path, [ENTRY, other]))
    assert found == {
        "P:never-met:1": Acceptance("P:never-met:1", "Meant so.", "2025-09-15"),
        "P:same-criterion:1 = 2": Acceptance("P:same-criterion:1 = 2", "Meant so.", "2025-09-15"),
    }


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("P:never-met:1", "entry 1: expected an object such as "),
        ({}, 'entry 1: id is missing or no text; write "id": "..."'),
        ({**ENTRY, "id": 3}, 'entry 1: id is missing or no text; write "id": "..."'),
        ({**ENTRY, "reason": " "}, 'entry 1: reason is missing or no text; write "reason": "..."'),
        (
            {**ENTRY, "date": "15.09.2025"},
            'entry 1: date is missing or no date; write "date": "2025-09-15"',
        ),
        (
            {**ENTRY, "date": None},
            'entry 1: date is missing or no date; write "date": "2025-09-15"',
        ),
        (
            {**ENTRY, "reasons": "x"},
            "entry 1: unknown key 'reasons'; did you mean 'reason'? (the keys are id, reason and date)",
        ),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_with_the_remedy(
    tmp_path: Path, entry: object, said: str
) -> None:
    assert problems(written(tmp_path, [entry]))[0].startswith(said)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    found = problems(written(tmp_path, [{}, ENTRY, ENTRY, 7]))
    assert [line.split(":")[0] for line in found] == ["entry 1"] * 3 + ["entry 3", "entry 4"]
    assert "'P:never-met:1' is accepted twice; keep one entry" in found[3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "this is no JSON: "),
        ("[" * 100_000, "this is no JSON: "),
        ('{"id": "x"}', "expected a list of entries such as "),
        ("\x00\xff", "this is no JSON: "),
        (" " * (LARGEST_FILE + 1), "a file of more than 1,048,576 bytes; divide it"),
    ],
)
def test_a_file_that_is_no_list_of_entries_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert problems(written(tmp_path, text))[0].startswith(said)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "P.accepted.json"
    folder.mkdir()
    assert problems(folder) == ["this is no regular file"]
    endless = tmp_path / "Q.accepted.json"
    os.mkfifo(endless)
    assert problems(endless) == ["this is no regular file"]
    folder.rmdir()
    folder.write_text("[]")
    assert read_accepted(folder) == {}


def test_an_acceptance_of_what_is_not_found_is_a_finding(
    kb: KnowledgeBase, findings: tuple[Finding, ...], accepted: dict[str, Acceptance]
) -> None:
    policy = kb.policies["5.21.071"]
    version = policy.versions[-1]
    assert list(stale_acceptances(policy, version, findings, accepted.values())) == []
    gone = Acceptance("5.21.071:never-met:Renewal.b", "Meant so.", "2024-02-01")
    (stale,) = stale_acceptances(policy, version, findings, [*accepted.values(), gone])
    assert stale.kind is FindingKind.STALE_ACCEPTANCE
    assert stale.severity is Severity.WARNING
    assert stale.id == "5.21.071:stale-acceptance:5.21.071:never-met:Renewal.b"
    assert stale.text == (
        "Accepted on 2024-02-01, but nothing is found any more with the id "
        "5.21.071:never-met:Renewal.b"
    )
    assert stale.repair == "Remove the entry from the file of accepted findings."
