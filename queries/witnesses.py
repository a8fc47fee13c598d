"""Witnesses: cases that show what an analysis says, replayed before they are shown."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.analysis.difference import Comparison, Route
from engine.analysis.finding import Finding, Witness
from engine.determination import Determination, Outcome
from facts.case import Case
from facts.errors import PolicygroundsError
from facts.values import Bounds, Known, Members, OneOf, case_form, read_value
from facts.vocabulary import Fact, Kind, Vocabulary
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
    """Whether a determination of the witness gives the outcome that it is said to have.

    The parts of the answer that it shows must have their values too. Beside them, a faulty policy
    may grant others; those that hang on what is not known are looked at one by one.
    """
    case = witness_case(witness, kb.vocabulary)
    answer = _answer(kb, case, witness.readings)
    if answer is None or answer.outcome is not witness.outcome:
        return False
    return all(
        end is not None and value in _values(end, part)
        for part, value in witness.parts.items()
        for last in (False, True)
        for end in [_closed(kb, case, witness.readings, part, last=last)]
    )


def _answer(kb: KnowledgeBase, case: Case, readings: Mapping[str, str]) -> Determination | None:
    """Decide a case again; None if that does not succeed."""
    try:
        answer = kb.determine(case, readings=readings)
    except PolicygroundsError:
        return None
    broken = any(problem.kind in ("contradiction", "stopped") for problem in answer.problems)
    return None if broken else answer


def _values(answer: Determination, part: str) -> tuple[str, ...]:
    """Return the values that a part of an answer can have, "none" if it need not be stated."""
    granted = answer.authorization
    quantities = [each and f"{each.amount} {each.unit} {each.days}" for each in granted.quantities]
    values: Sequence[object] = {
        "months": granted.months,
        "quantity": quantities,
        "refer_to": answer.refer_to,
        "basis": answer.basis,
    }[part]
    said = dict.fromkeys("none" if value is None else str(value) for value in values)
    return tuple(said) or ("none",)


def _closed(
    kb: KnowledgeBase, case: Case, readings: Mapping[str, str], part: str, *, last: bool
) -> Determination | None:
    """Decide a case with facts settled until a part of its answer is: each as its first or last value."""
    answer = _answer(kb, case, readings)
    while answer is not None and answer.unknown_that_matter and len(_values(answer, part)) > 1:
        name = answer.unknown_that_matter[0]
        forms = _settled(kb.vocabulary.facts[name], case.facts.get(name))
        for form in reversed(forms) if last else forms:
            tried = replace(case, facts={**case.facts, name: form})
            answer = _answer(kb, tried, readings)
            if answer is not None:
                case = tried
                break
    return answer


def _settled(fact: Fact, raw: object) -> Sequence[object]:
    """Return values that a fact known in part may have: of a number and of a set, the two ends."""
    known = read_value(fact, raw)
    if fact.kind is Kind.BOOLEAN:
        return [False, True]
    if fact.kind is Kind.CHOICE:
        return sorted(known.values if isinstance(known, OneOf) else fact.values)
    if fact.kind is Kind.NUMBER:
        ends = known if isinstance(known, Bounds) else Bounds(fact.lowest, fact.highest)
        return [fact.number(ends.low), fact.number(ends.high)]
    members = known if isinstance(known, Members) else Members(frozenset(), frozenset())
    return [sorted(members.includes), sorted(fact.known_values - members.excludes)]


def unreplayed_findings(kb: KnowledgeBase, findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that a witness of theirs does not bear out."""
    return [
        finding
        for finding in findings
        if not all(replays(kb, witness) for witness in finding.witnesses)
    ]


def unreplayed_witnesses(kb: KnowledgeBase, comparison: Comparison) -> int:
    """Count the witnesses of a comparison that do not get the answer they are said to have."""
    return sum(
        not replays(kb, _showing(witness, difference.part, value))
        for difference in comparison.differences
        for region in difference.regions
        for witness, value in zip(
            region.witnesses, (difference.first, difference.second), strict=True
        )
    )


def _showing(witness: Witness, part: str, value: str) -> Witness:
    return witness if part == "outcome" else replace(witness, parts={part: value})


def unreplayed_routes(
    kb: KnowledgeBase, routes: Iterable[Route], readings: Mapping[str, str]
) -> list[Route]:
    """Return the routes whose facts do not lead to their outcome."""
    return [
        route
        for route in routes
        if not replays(
            kb,
            Witness(
                facts=route.facts,
                outcome=Outcome(route.outcome),
                readings=readings,
                policy=route.policy,
                version=route.version,
            ),
        )
    ]


def witness_file(finding: Finding, number: int) -> str:
    """Name the file of a witness after its finding, with its number among the witnesses."""
    return f"{re.sub(r'[^0-9A-Za-z.-]+', '_', finding.id).strip('_')}.{number}.json"


def save_witnesses(
    folder: Path, findings: Iterable[Finding], vocabulary: Vocabulary, folders: Sequence[Path] = ()
) -> dict[str, list[str]]:
    """Save the witnesses of findings, a case a file, and return the commands that replay them.

    The commands are by the id of the finding; `folders` are those of the policies, if not the
    packaged ones. Raises PolicygroundsError if that cannot be done.
    """
    commands: dict[str, list[str]] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for finding in findings:
            for number, witness in enumerate(finding.witnesses, start=1):
                case = case_json(witness_case(witness, vocabulary, finding.id))
                file = folder / witness_file(finding, number)
                file.write_text(json.dumps(case, indent=2) + "\n", "utf-8")
                command = replay_command(witness, file, folders)
                commands.setdefault(finding.id, []).append(command)
    except OSError as error:
        raise PolicygroundsError(
            f"--witnesses {folder}: cannot be written: {error.strerror or error}"
        ) from None
    return commands


def replay_command(witness: Witness, file: Path, folders: Iterable[Path]) -> str:
    """Say how a saved witness is decided again, under the policies below the same folders."""
    words = ["policygrounds", "determine", str(file)]
    for name, choice in witness.readings.items():
        words += ["--reading", f"{name}={choice}"]
    for folder in folders:
        words += ["--kb", str(folder)]
    return shlex.join(words)
