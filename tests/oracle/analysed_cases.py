"""Refute what an analysis says of the two policies of the oracle, by patients decided one by one.

Brute force over all patients is out of reach. Random patients, those that witnesses stand for, and
all who differ from one of these in one unit, show what has to be among the findings, and refute
those that are wrong. What an analysis says comes in the JSON form.
"""

import itertools
import random
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import oracle
from explained_cases import FACTS, UNITS
from explanations import Interval, concrete, every, read_case, units_of

Patient: TypeAlias = Mapping[str, int]
"""For each unit the place of its value."""
Region: TypeAlias = Mapping[str, Sequence[int]]
"""For some units the places of the values they may have."""

ORDER = ("approve", "refer", "deny")
RENEWED: Mapping[str, object] = {
    "request": "continuation",
    "currently_receiving": True,
    "paid_by_plan": True,
    "covered_indication": True,
    "days_on_drug": 90,
    "responding": True,
    "response": "partial",
    "progression": False,
    "unacceptable_toxicity": False,
}
"""What becomes of a patient with whom all goes well."""
FIRST: Mapping[str, object] = {
    "request": "initial",
    "prior_lines": 2,
    "days_to_progression": 30,
    "treatment_setting": "subsequent",
    "disease_state": "relapsed",
    "regimen_recommended": True,
    "dose_evidence": True,
}
"""What there may have been when treatment began."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One version of a policy, with a choice for each reading."""

    policy: str
    version: str
    readings: Mapping[str, str]

    def answer(self, patient: Patient) -> oracle.Answer | None:
        """Decide a patient; None if he breaks a contradiction, or the scope of the policy."""
        facts = facts_of(patient)
        if oracle.contradictions(self.policy, facts):
            return None
        return oracle.decide(self.policy, self.version, facts, self.readings)

    def read(self, name: str, choice: str) -> "Reading":
        """Choose one reading otherwise."""
        return Reading(self.policy, self.version, {**self.readings, name: choice})


def facts_of(patient: Patient) -> dict[str, Any]:
    """Return the facts of a patient, as the oracle takes them."""
    return {
        name: concrete(fact, [patient[unit.name] for unit in units_of(fact)])
        for name, fact in FACTS.items()
    }


def case_of(patient: Patient) -> dict[str, object]:
    """Return the facts of a patient in the JSON form."""
    return {name: _plain(value) for name, value in facts_of(patient).items()}


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    return float(value) if isinstance(value, Decimal) else value


def put(patient: Patient, facts: Mapping[str, object]) -> dict[str, int]:
    """Give a patient what is known of some facts, with the first value that fits where several do."""
    known = read_case([FACTS[name] for name in facts if name in FACTS], facts)
    values = {
        unit: patient[unit] if patient[unit] in places else places[0]
        for unit, places in known.items()
    }
    return {**patient, **values}


def region_of(facts: Mapping[str, object]) -> Region:
    """Read what is known of some facts as values of units."""
    known = read_case([FACTS[name] for name in facts if name in FACTS], facts)
    return {unit: places for unit, places in known.items() if places != every(UNITS[unit])}


def is_in(patient: Patient, region: Region) -> bool:
    """Tell whether a patient is in a region."""
    return all(patient[unit] in places for unit, places in region.items())


def flips(patient: Patient) -> Iterator[dict[str, int]]:
    """Give all patients who differ in one unit."""
    for name, unit in UNITS.items():
        for place in every(unit):
            if place != patient[name]:
                yield {**patient, name: place}


def sample(rng: random.Random, policy: str, count: int) -> list[Patient]:
    """Draw patients without contradictions, most of them near an approval or a referral."""
    drawn: list[Patient] = []
    while len(drawn) < count:
        case = oracle.random_case(rng, policy, complete=True, free_budget=1)
        if not oracle.contradictions(policy, oracle.complete_facts(case)):
            known = read_case(FACTS.values(), case)
            drawn.append({unit: places[0] for unit, places in known.items()})
    return drawn


def standing_for(
    rng: random.Random, patients: Sequence[Patient], facts: Iterable[Mapping[str, object]]
) -> list[Patient]:
    """Give to some patients the facts of witnesses or regions."""
    return [put(rng.choice(patients), each) for each in facts]


# --- Findings -------------------------------------------------------------------------------

Form: TypeAlias = Mapping[str, Any]
"""A finding in the JSON form."""


def refuted(
    rng: random.Random, read: Reading, findings: Sequence[Form], patients: Sequence[Patient]
) -> Iterator[str]:
    """Say what patients refute, and what they show that is not found."""
    found: dict[str, list[Form]] = {}
    for finding in findings:
        found.setdefault(finding["kind"], []).append(finding)
    for kind in ("no-outcome", "several-outcomes"):
        for finding in found.get(kind, ()):
            yield f"{finding['id']}: every patient gets one outcome"
    yield from _witnesses(rng, read, findings, patients)
    yield from _readings(read, found, patients)
    yield from _evidence(read, _subjects(found, "evidence-hurts"), patients)
    yield from _thresholds(read, _subjects(found, "threshold-without-effect"), patients)
    yield from _referrals(read, _subjects(found, "referral-outside"), patients)
    yield from _renewal(rng, read, found, patients)


def _subjects(found: Mapping[str, Sequence[Form]], kind: str) -> set[str]:
    return {finding["subject"] for finding in found.get(kind, ())}


def _witnesses(
    rng: random.Random, read: Reading, findings: Iterable[Form], patients: Sequence[Patient]
) -> Iterator[str]:
    """Decide patients who have the facts of a witness: all get its outcome."""
    for finding in findings:
        for witness in finding["witnesses"]:
            chosen = Reading(
                read.policy,
                read.version,
                {**_DEFAULTS[read.policy], **witness["readings"]},
            )
            for patient in rng.sample(patients, min(len(patients), 20)):
                answer = chosen.answer(put(patient, witness["case"]["facts"]))
                if answer is not None and answer.outcome != witness["outcome"]:
                    yield f"{finding['id']}: a witness is decided as {answer.outcome}"


_DEFAULTS = {
    policy: {name: choices[0] for name, choices in readings.items()}
    for policy, readings in oracle.READINGS.items()
}


def _readings(
    read: Reading, found: Mapping[str, Sequence[Form]], patients: Iterable[Patient]
) -> Iterator[str]:
    """Read each patient's request each way: answers move only as it is said."""
    idle = _subjects(found, "reading-without-effect")
    moves = {
        finding["subject"]: {witness["shows"] for witness in finding["witnesses"]}
        for finding in found.get("reading-decides", ())
    }
    shown: dict[str, set[str | None]] = {}
    others = [
        (name, choice)
        for name, choices in oracle.READINGS[read.policy].items()
        for choice in choices
        if choice != read.readings[name]
    ]
    for patient in patients:
        answer = read.answer(patient)
        if answer is None:
            continue
        for name, choice in others:
            otherwise = read.read(name, choice).answer(patient)
            for part, before, after in _parted(answer, otherwise) if otherwise else ():
                move = f"{before} to {after}" if part == "outcome" else None
                shown.setdefault(f"{name}={choice}", set()).add(move)
    for choice, directions in shown.items():
        if choice.partition("=")[0] in idle:
            yield f"reading-without-effect:{choice} moves some patients"
        if choice not in moves:
            yield f"reading-decides:{choice} moves some patients, and is not found"
        for direction in directions - {None} - moves.get(choice, set()):
            yield f"reading-decides:{choice} moves some patients from {direction}"


def _evidence(read: Reading, found: Collection[str], patients: Iterable[Patient]) -> Iterator[str]:
    """Document what is not so yet: it makes worse only what is said to become worse."""
    documented = [
        (name, unit.fact.name)
        for name, unit in UNITS.items()
        if unit.fact.changer == "document" and unit.fact.kind in ("boolean", "set")
    ]
    shown = set()
    for patient in patients:
        for name, fact in documented:
            before, after = (read.answer({**patient, name: value}) for value in (0, 1))
            if before is None or after is None:
                continue
            if ORDER.index(before.outcome) < ORDER.index(after.outcome):
                shown.add(f"{fact}: {before.outcome} to {after.outcome}")
    for subject in shown - set(found):
        yield f"evidence-hurts:{subject} for some patients"


def _thresholds(read: Reading, found: Iterable[str], patients: Iterable[Patient]) -> Iterator[str]:
    """Go from below a threshold to above it: no answer turns."""
    for subject in found:
        name, _, number = subject.partition(" ")
        values = UNITS[name].values
        least = Decimal(number)
        (above,) = (
            place
            for place, value in enumerate(values)
            if isinstance(value, Interval) and value.low == least
        )
        for patient in patients:
            pair = [read.answer({**patient, name: place}) for place in (above - 1, above)]
            if None not in pair and pair[0] != pair[1]:
                yield f"threshold-without-effect:{subject} turns the answer of some patient"
                break


def _referrals(read: Reading, found: Collection[str], patients: Iterable[Patient]) -> Iterator[str]:
    answers = (read.answer(patient) for patient in patients)
    referred = {answer.refer_to for answer in answers if answer and answer.refer_to}
    for number in referred - set(found):
        yield f"referral-outside:{number}: some patients are referred there"


def _renewal(
    rng: random.Random,
    read: Reading,
    found: Mapping[str, Sequence[Form]],
    patients: Sequence[Patient],
) -> Iterator[str]:
    """Look for patients of one phase in the other, on the same treatment."""
    for kind, phase, otherwise in (
        ("not-renewable", "initial", RENEWED),
        ("renewable-only", "continuation", FIRST),
    ):
        if kind in found:
            (finding,) = found[kind]
            (witness,) = finding["witnesses"]
            kept = _treatment(witness["case"]["facts"])
            for patient in rng.sample(patients, min(len(patients), 300)):
                there = put({**put(patient, otherwise)}, {**kept, "request": otherwise["request"]})
                answer = read.answer(there)
                if answer is not None and answer.outcome == "approve":
                    yield f"{kind}: a patient on the same treatment is approved"
                    break
        elif phase == "initial":
            for patient in patients:
                answer = read.answer(put(patient, {"request": phase}))
                after = read.answer(put(patient, otherwise))
                if answer is None or answer.outcome != "approve" or after is None:
                    continue
                if after.outcome != "approve":
                    yield f"{kind}: some patient who is approved {phase} is not, later"
                    break


def _treatment(facts: Mapping[str, object]) -> dict[str, object]:
    """Return what stays the same: what the prescriber decides, and what nobody can change."""
    return {
        name: value
        for name, value in facts.items()
        if FACTS[name].changer in ("prescribe", "fixed") and name != "request"
    }


# --- Comparisons and routes -----------------------------------------------------------------


def misplaced(
    first: Reading, second: Reading, comparison: Form, patients: Iterable[Patient]
) -> Iterator[str]:
    """Say which patients are in a region and do not part the two, or part them and are in none."""
    regions = {
        (each["part"], each["first"], each["second"]): [
            region_of(region["facts"]) for region in each["regions"]
        ]
        for each in comparison["differences"]
    }
    for patient in patients:
        one, other = first.answer(patient), second.answer(patient)
        if one is None or other is None:
            continue
        parted = set(_parted(one, other))
        for key in parted - regions.keys():
            yield f"{key}: some patients are parted so"
        for key, listed in regions.items():
            if key[0] != "outcome" and not _comparable(key[0], one, other):
                continue
            inside = any(is_in(patient, region) for region in listed)
            if inside != (key in parted):
                yield f"{key}: {case_of(patient)} is {'in' if inside else 'outside'}"


_PARTS = {"months": "approve", "refer_to": "refer", "basis": "deny"}


def _parted(one: oracle.Answer, other: oracle.Answer) -> Iterator[tuple[str, str, str]]:
    if one.outcome != other.outcome:
        yield "outcome", one.outcome, other.outcome
        return
    for part in _PARTS:
        mine, theirs = getattr(one, part), getattr(other, part)
        if _comparable(part, one, other) and mine != theirs:
            yield part, str(mine), str(theirs)


def _comparable(part: str, one: oracle.Answer, other: oracle.Answer) -> bool:
    """Tell whether both answers have a part: the regions of a part are among those alone."""
    return part in _PARTS and {one.outcome, other.outcome} == {_PARTS[part]}


def off_route(
    read: Reading, outcome: str, routes: Sequence[Form], patients: Iterable[Patient]
) -> Iterator[str]:
    """Say which patients are on a route and do not get its outcome, or get it on no route."""
    regions = [(route["pathway"], region_of(route["facts"])) for route in routes]
    for patient in patients:
        answer = read.answer(patient)
        if answer is None:
            continue
        on = {pathway for pathway, region in regions if is_in(patient, region)}
        wanted = {answer.pathway if outcome == "approve" else None}
        if on != (wanted if answer.outcome == outcome else set()):
            yield f"{outcome}: {case_of(patient)} is on routes of {sorted(map(str, on))}"


# --- Criteria -------------------------------------------------------------------------------


def refuted_criteria(
    findings: Iterable[Form], statuses: Sequence[Mapping[str, str]]
) -> Iterator[str]:
    """Say which findings about criteria are refuted by patients, given which they meet.

    A criterion that is not looked at for a patient has no status.
    """
    for finding in findings:
        kind, subject = finding["kind"], finding["subject"]
        for met in statuses:
            if kind == "never-met":
                wrong = met.get(subject) == "met"
            elif kind == "always-met":
                wrong = met.get(subject) == "not_met"
            elif kind == "contained" and " in " in subject:
                narrow, _, wide = subject.partition(" in ")
                wrong = (met.get(narrow), met.get(wide)) == ("met", "not_met")
            elif kind == "same-criterion" or (kind == "same-effect" and ": " not in subject):
                alike = {met[section] for section in subject.split(" = ") if section in met}
                wrong = len(alike) > 1
            elif kind == "contradicting-sections":
                asked = [met.get(section) for section in finding["sections"]]
                wrong = set(asked) == {"met"}
            else:
                wrong = False
            if wrong:
                yield f"{finding['id']} is refuted"
                break


def statuses_of(tree: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the statuses of all criteria of some trees of a determination."""
    found: dict[str, str] = {}
    pending = list(tree)
    while pending:
        node = pending.pop()
        found[node["section"]] = node["status"]
        pending += node["parts"]
    return found


def all_readings(policy: str) -> Iterator[dict[str, str]]:
    """Give the default readings, and each other choice of each one alone."""
    defaults = _DEFAULTS[policy]
    yield dict(defaults)
    for name, choices in oracle.READINGS[policy].items():
        for choice in itertools.islice(choices, 1, None):
            yield {**defaults, name: choice}
