"""Witnesses: cases that show what an analysis says, replayed before they are shown."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.analysis.difference import Comparison
from engine.analysis.finding import Finding, Witness
from facts.case import Case
from facts.errors import PolicygroundsError
from facts.values import Known, case_form
from facts.vocabulary import Vocabulary
from queries.knowledge_base import KnowledgeBase


def stated(facts: Mapping[str, Known], vocabulary: Vocabulary) -> dict[str, object]:
    """Return facts in the form that cases have in JSON; what says nothing is left out."""
    forms = {
        name: case_form(vocabulary.facts[name], known)
        for name, known in sorted(facts.items(), key=lambda item: item[0])
    }
    return {name: _plain(form) for name, form in forms.items() if form != {}}


def _plain(form: object) -> object:
    """Write a choice of one value, and a number known exactly, as that value."""
    if isinstance(form, Mapping):
        if form.keys() == {"one_of"} and len(form["one_of"]) == 1:
            return form["one_of"][0]
        if form.keys() == {"at_least", "at_most"} and form["at_least"] == form["at_most"]:
            return form["at_least"]
    return form


def witness_case(witness: Witness, vocabulary: Vocabulary, identifier: str | None = None) -> Case:
    """Return a witness as a case, on the first day of its version."""
    return Case(
        id=identifier,
        policy=witness.policy,
        on=witness.version,
        facts=stated(witness.facts, vocabulary),
    )


def case_json(case: Case) -> dict[str, object]:
    """Return the JSON form of a case."""
    named = {} if case.id is None else {"id": case.id}
    return {**named, "policy": case.policy, "on": case.on, "facts": dict(case.facts)}


def witness_json(witness: Witness, vocabulary: Vocabulary) -> dict[str, object]:
    """Return the JSON form of a witness."""
    return {
        "case": case_json(witness_case(witness, vocabulary)),
        "readings": dict(witness.readings),
        "outcome": witness.outcome.value,
        "shows": witness.shows,
    }


def replays(kb: KnowledgeBase, witness: Witness) -> bool:
    """Whether a determination of the witness gives the outcome that it is said to have."""
    case = witness_case(witness, kb.vocabulary)
    try:
        answer = kb.determine(case, readings=witness.readings)
    except PolicygroundsError:
        return False
    broken = any(problem.kind in ("contradiction", "stopped") for problem in answer.problems)
    return answer.outcome is witness.outcome and not broken


def unreplayed_findings(kb: KnowledgeBase, findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that a witness of theirs does not bear out."""
    return [
        finding
        for finding in findings
        if not all(replays(kb, witness) for witness in finding.witnesses)
    ]


def unreplayed_witnesses(kb: KnowledgeBase, comparison: Comparison) -> int:
    """Count the witnesses of a comparison that do not get the outcome they are said to have."""
    return sum(
        kb.outcome(witness_case(witness, kb.vocabulary), readings=witness.readings)
        is not witness.outcome
        for difference in comparison.differences
        for region in difference.regions
        for witness in region.witnesses
    )


def witness_file(finding: Finding, number: int) -> str:
    """Name the file of a witness after its finding, with its number among the witnesses."""
    return f"{re.sub(r'[^0-9A-Za-z.-]+', '_', finding.id).strip('_')}.{number}.json"


def save_witnesses(folder: Path, findings: Iterable[Finding], vocabulary: Vocabulary) -> int:
    """Save the witnesses of findings, a case a file, and return how many they are.

    Raises PolicygroundsError if that cannot be done.
    """
    saved = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for finding in findings:
            for number, witness in enumerate(finding.witnesses, start=1):
                case = case_json(witness_case(witness, vocabulary, finding.id))
                text = json.dumps(case, indent=2) + "\n"
                (folder / witness_file(finding, number)).write_text(text, "utf-8")
                saved += 1
    except OSError as error:
        raise PolicygroundsError(
            f"--witnesses {folder}: cannot be written: {error.strerror or error}"
        ) from None
    return saved


def replay_command(witness: Witness, file: str) -> str:
    """Say how a saved witness is decided again."""
    readings = "".join(f" --reading {name}={choice}" for name, choice in witness.readings.items())
    return f"policygrounds determine {file}{readings}"
