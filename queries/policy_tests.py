"""Policy tests: cases with the outcome an analyst expects, and what they cover of the policy.

They lie beside the policies, in files named `*.cases.json`: a list of cases, each with `expect`,
with `why`, and perhaps `like`, the id of an earlier case whose facts it takes over.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.analysis.coverage import Covered, Example, Meter, State
from engine.determination import Determination, Outcome
from engine.policy import Policy, Version
from facts.case import Case, read_facts
from facts.errors import CaseError, PolicygroundsError, UnreadableInputError, did_you_mean
from facts.values import Bounds, Known, Members, OneOf, case_form, change_form
from facts.vocabulary import Fact, Vocabulary
from queries.files import read_regular
from queries.wording import limit_in_words

LARGEST = 1_000_000_000
"""A number that may be expected; months and quantities are far below."""
LARGEST_FILE = 10_000_000
"""Bytes; the packaged files have some ten thousand."""
KEYS = ("id", "like", "policy", "on", "facts", "readings", "expect", "why")
_QUANTITY = re.compile(r"[1-9][0-9]* [a-z][A-Za-z0-9_]* in [1-9][0-9]* days")
_INHERITED = ("policy", "on", "facts", "readings")
EXPECTED = (
    "outcome",
    "possible",
    "basis",
    "pathway",
    "months",
    "quantity",
    "refer_to",
    "deciding_sections",
    "unknown_that_matter",
    "needs_clinician",
    "problems",
)
"""What a test may expect of an answer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file of tests, or with one of its cases."""

    file: str
    case: str | None
    message: str

    def __str__(self) -> str:
        return f"{self.file}{f': case {self.case}' if self.case else ''}: {self.message}"


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """A case, the readings it is decided under, what is expected, and why the text wants it."""

    case: Case
    readings: Mapping[str, str]
    expect: Mapping[str, object]
    why: str
    file: str

    @property
    def id(self) -> str:
        """The id of the case."""
        return str(self.case.id)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A part of an answer that is not as expected."""

    part: str
    expected: object
    got: object


@dataclass(frozen=True, slots=True)
class Checked:
    """A test as it went: the mismatches, and the sections that decided; `error` if it could not run."""

    test: PolicyTest
    version: str | None
    mismatches: tuple[Mismatch, ...] = ()
    sections: tuple[str, ...] = ()
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the answer is as expected."""
        return not self.mismatches and self.error is None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A case that would cover something, as the policy decides it today, to be confirmed."""

    id: str
    case: Case
    readings: Mapping[str, str]
    expect: Mapping[str, object]
    needs: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Return the form of a test."""
        readings = {"readings": dict(self.readings)} if self.readings else {}
        return {
            "id": self.id,
            "policy": self.case.policy,
            "on": self.case.on,
            "facts": dict(self.case.facts),
            **readings,
            "expect": dict(self.expect),
            "why": f"To be confirmed against the text. Proposed as {'; '.join(self.needs)}.",
        }


@dataclass(frozen=True, slots=True)
class VersionCoverage:
    """What the passed tests cover of one version; `proved` is as for the meter."""

    version: str
    covered: tuple[Covered, ...]
    proposals: tuple[Proposal, ...] = ()
    proved: bool = True

    def count(self, state: State) -> int:
        """Count the items of a state."""
        return sum(each.state is state for each in self.covered)

    @property
    def percent(self) -> int:
        """How much is covered of what can be, in whole percent, rounded down."""
        covered, still_open = self.count(State.COVERED), self.count(State.OPEN)
        if not self.proved:
            return 0
        return 100 * covered // (covered + still_open) if covered + still_open else 100


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """The tests of one policy, and what they cover of each version."""

    policy: Policy
    checked: tuple[Checked, ...]
    coverage: tuple[VersionCoverage, ...]

    @property
    def passed(self) -> bool:
        """Whether all tests passed."""
        return all(each.passed for each in self.checked)

    @property
    def percent(self) -> int:
        """The coverage of the version that is covered least."""
        return min((each.percent for each in self.coverage), default=100)

    def to_json(self) -> dict[str, object]:
        """Return the JSON form, as docs/semantics.md lists it."""
        return {
            "policy": self.policy.number,
            "passed": sum(each.passed for each in self.checked),
            "failed": [_failed_json(each) for each in self.checked if not each.passed],
            "coverage": [_coverage_json(each) for each in self.coverage],
        }


@dataclass(frozen=True, slots=True)
class PolicyTestReport:
    """The tests of some policies; `faults` are cases that could not be read."""

    policies: tuple[PolicyReport, ...]
    faults: tuple[Fault, ...] = field(default=())

    def passes(self, least: int = 100) -> bool:
        """Whether all tests could be read and passed, and every version is covered so far."""
        return not self.faults and all(
            report.passed and report.percent >= least for report in self.policies
        )


def _failed_json(checked: Checked) -> dict[str, object]:
    return {
        "id": checked.test.id,
        "version": checked.version,
        "file": checked.test.file,
        "mismatches": [
            {"part": each.part, "expected": each.expected, "got": each.got}
            for each in checked.mismatches
        ],
        "sections": list(checked.sections),
        "why": checked.test.why,
        "error": checked.error,
    }


def _coverage_json(coverage: VersionCoverage) -> dict[str, object]:
    return {
        "version": coverage.version,
        "percent": coverage.percent,
        "proved": coverage.proved,
        "items": [
            {
                "kind": each.item.kind.value,
                "subject": each.item.subject,
                "state": each.state.value,
                "by": list(each.by),
            }
            for each in coverage.covered
        ],
        "proposals": [proposal.to_json() for proposal in coverage.proposals],
    }


# Reading


def found_below(folders: Collection[Path]) -> list[Path]:
    """Return the files of tests below some folders."""
    return sorted({path for folder in folders for path in folder.rglob("*.cases.json")})


def read_tests(path: Path) -> tuple[list[PolicyTest], list[Fault]]:
    """Read a file of tests, and list what is wrong with it; the good cases are still returned."""
    try:
        raw = _decoded(path)
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return [], [Fault(str(path), None, reason or "it cannot be read")]
    tests: list[PolicyTest] = []
    faults: list[Fault] = []
    whole: dict[str, dict[str, Any] | None] = {}
    for place, entry in enumerate(raw, start=1):
        named = entry.get("id") if isinstance(entry, Mapping) else None
        name = named if isinstance(named, str) and named else f"{place} of the list"
        problems: list[str] = []
        made = _made(entry, whole, problems)
        if name in whole:
            problems.append("the id is used before; give each case its own")
        whole.setdefault(name, None if problems else made)
        faults += [Fault(str(path), name, problem) for problem in problems]
        if not problems:
            tests += _each_date(made, str(path))
    return tests, faults


def _decoded(path: Path) -> list[Any]:
    content = read_regular(path, LARGEST_FILE)
    try:
        raw = json.loads(
            content.decode("utf-8-sig"), parse_float=Decimal, object_pairs_hook=_object
        )
    except UnicodeDecodeError:
        raise ValueError("the text is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    if not isinstance(raw, list):
        raise ValueError(  # noqa: TRY004 - what is wrong is the file
            'expected a list of cases: [{"id": ..., "expect": {...}, "why": ...}]'
        )
    return raw


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Build an object; a key given twice is kept as the list of them, to be reported."""
    made = dict(pairs)
    twice = sorted({key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1})
    return {**made, _TWICE: twice} if twice else made


_TWICE = "\0twice"


def _made(
    entry: object, whole: Mapping[str, dict[str, Any] | None], problems: list[str]
) -> dict[str, Any]:
    """Complete a case by the one it is like, and list what is wrong with it."""
    if not isinstance(entry, Mapping):
        problems.append('expected an object with "id", "facts", "expect" and "why"')
        return {}
    problems += [f"{key!r} is given twice" for key in _given_twice(entry)]
    made = {key: value for key, value in entry.items() if key != _TWICE}
    problems += [
        f"unknown key {key!r}{did_you_mean(key, KEYS)}; the keys are {', '.join(KEYS)}"
        for key in made
        if key not in KEYS
    ]
    for key in ("facts", "readings", "expect"):
        if not isinstance(made.get(key, {}), Mapping):
            problems.append(f"{key}: expected an object")
            made[key] = {}
    if "like" in made:
        problems += _completed(made, whole)
    problems += _form_problems(made)
    problems += _expectation_problems(made.get("expect"))
    if not problems:
        for day in _dates(made["on"]):
            try:
                Case.from_json(_frame(made, day))
            except CaseError as error:
                problems += error.problems
                break
    return made


def _completed(made: dict[str, Any], whole: Mapping[str, dict[str, Any] | None]) -> Iterator[str]:
    """Take over what the case says that this one is like."""
    like = made["like"]
    if not isinstance(like, str) or like not in whole:
        meant = did_you_mean(str(like), whole)
        yield f"like: no case {like!r} stands before this one in the file{meant}"
        return
    before = whole[like]
    if before is None:
        yield f"like: case {like!r} cannot be read itself"
        return
    for key in _INHERITED:
        made[key] = _inherited(before.get(key), made.get(key))


def _form_problems(made: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(made.get("id"), str) or not made["id"]:
        yield 'id: expected a text that says what the case shows, such as "age-17"'
    if made.get("on") in (None, []) or None in _dates(made["on"]):
        yield "on: expected the date to decide for, or a list of dates"
    readings = made.get("readings") or {}
    if not all(isinstance(choice, str) for choice in readings.values()):
        yield "readings: expected an object from readings to choices"
    if not isinstance(made.get("why"), str) or not made["why"].strip():
        yield "why: expected a sentence on what the text says, with its section"


def _given_twice(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value.get(_TWICE, ())
        for below in value.values():
            yield from _given_twice(below)


def _inherited(before: Any, now: Any) -> Any:
    """Lay what a case says over what the case before says."""
    if isinstance(before, Mapping) and (now is None or isinstance(now, Mapping)):
        return {**before, **(now or {})}
    return before if now is None else now


def _expectation_problems(expect: object) -> Iterator[str]:
    if not isinstance(expect, Mapping) or "outcome" not in expect:
        yield 'expect: expected an object with the outcome, such as {"outcome": "approve", "months": 6}'
        return
    for key, value in expect.items():
        if key not in EXPECTED:
            yield (
                f"expect: unknown key {key!r}{did_you_mean(key, EXPECTED)}; "
                f"the keys are {', '.join(EXPECTED)}"
            )
        elif not all(_fits(key, each) for each in (value if isinstance(value, list) else [value])):
            yield f"expect: {key}: expected {_EXPECTED_AS.get(key, 'a text')}, or a list of them"
    outcomes = [outcome.value for outcome in Outcome]
    if expect["outcome"] not in outcomes:
        meant = did_you_mean(str(expect["outcome"]), outcomes)
        yield f"expect: the outcome is one of {', '.join(outcomes)}{meant}"


_EXPECTED_AS = {
    "months": "a whole number",
    "quantity": 'words such as "3 capsules in 28 days"',
    "needs_clinician": "true or false",
}
"""What values of a part are, where they are no texts."""


def _fits(part: str, value: object) -> bool:
    """Whether a part of an answer can have a value; it may be left open."""
    if part == "needs_clinician":
        return isinstance(value, bool)
    if value is None:
        return part != "outcome"
    if part == "months":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST
    if part == "quantity":
        return isinstance(value, str) and _QUANTITY.fullmatch(value) is not None
    return isinstance(value, str)


def _dates(on: object) -> list[Any]:
    return on if isinstance(on, list) else [on]


def _frame(made: Mapping[str, Any], day: object) -> dict[str, Any]:
    return {
        "id": made["id"],
        "policy": made.get("policy"),
        "on": day,
        "facts": made.get("facts", {}),
    }


def _each_date(made: Mapping[str, Any], file: str) -> Iterator[PolicyTest]:
    for day in _dates(made["on"]):
        case = Case.from_json(_frame(made, day))
        yield PolicyTest(case, made.get("readings") or {}, made["expect"], made["why"], file)


# Running


@dataclass(frozen=True, slots=True)
class Suite:
    """What tests are run with: a vocabulary, a way to decide, and meters of coverage."""

    vocabulary: Vocabulary
    determine: Callable[[Case, Mapping[str, str]], Determination]
    meter: Callable[[Policy, Version], Meter]

    def report(
        self, policy: Policy, tests: Sequence[PolicyTest], *, propose: bool = True
    ) -> PolicyReport:
        """Run the tests of a policy, and measure what those that passed cover."""
        checked = []
        examples: dict[str, list[Example]] = {}
        for test in tests:
            result, answer = self._check(test)
            checked.append(result)
            if answer is not None and result.passed and not answer.problems:
                known, _ = read_facts(test.case, self.vocabulary)
                chosen = policy.default_readings
                example = Example(test.id, known, {**chosen, **test.readings})
                examples.setdefault(answer.version, []).append(example)
        coverage = []
        for version in policy.versions:
            meter = self.meter(policy, version)
            covered = meter.measure(examples.get(version.start, ()), propose=propose)
            proposals = tuple(self._proposals(policy, version, covered)) if propose else ()
            coverage.append(VersionCoverage(version.start, tuple(covered), proposals, meter.proved))
        return PolicyReport(policy, tuple(checked), tuple(coverage))

    def _check(self, test: PolicyTest) -> tuple[Checked, Determination | None]:
        try:
            answer = self.determine(test.case, test.readings)
        except PolicygroundsError as error:
            problems = error.problems if isinstance(error, CaseError) else (str(error),)
            return Checked(test, None, error="; ".join(problems)), None
        got = _got(answer)
        mismatches = tuple(
            Mismatch(part, expected, got[part])
            for part, expected in test.expect.items()
            if _listed(expected) != _listed(got[part])
        )
        sections = answer.deciding_sections or answer.pathways
        return Checked(test, answer.version, mismatches, sections), answer

    def _proposals(
        self, policy: Policy, version: Version, covered: Sequence[Covered]
    ) -> Iterator[Proposal]:
        needs: dict[str, list[str]] = {}
        examples: dict[str, Example] = {}
        for each in covered:
            for example in each.proposals:
                examples[example.name] = example
                needs.setdefault(example.name, []).append(each.item.needs)
        for name, example in examples.items():
            facts = {
                fact: brief_form(self.vocabulary.facts[fact], known)
                for fact, known in example.known.items()
            }
            readings = {
                reading: choice
                for reading, choice in example.readings.items()
                if choice != policy.readings[reading].default
            }
            case = Case(id=name, policy=policy.number, on=version.start, facts=facts)
            answer = self.determine(case, readings)
            name_and_version = f"{name} ({version.start})"
            yield Proposal(name_and_version, case, readings, _expected(answer), tuple(needs[name]))


def _got(answer: Determination) -> dict[str, object]:
    return {
        "outcome": answer.outcome.value,
        "possible": [outcome.value for outcome in answer.possible],
        "basis": list(answer.basis),
        "pathway": list(answer.pathways),
        "months": list(answer.authorization.months),
        "quantity": [
            quantity and limit_in_words(quantity) for quantity in answer.authorization.quantities
        ],
        "refer_to": list(answer.refer_to),
        "deciding_sections": list(answer.deciding_sections),
        "unknown_that_matter": list(answer.unknown_that_matter),
        "needs_clinician": answer.needs_clinician,
        "problems": [problem.kind for problem in answer.problems],
    }


def _expected(answer: Determination) -> dict[str, object]:
    """Return what a test would expect of an answer: the outcome with the parts that go with it."""
    got = _got(answer)
    parts = {
        Outcome.APPROVE: ("pathway", "months"),
        Outcome.REFER: ("refer_to",),
        Outcome.DENY: ("basis",),
        Outcome.PEND: ("possible",),
    }[answer.outcome]
    settled = {
        part: value[0] if len(value) == 1 else value
        for part in parts
        if isinstance(value := got[part], list) and (len(value) == 1 or part == "possible")
    }
    return {"outcome": got["outcome"], **settled}


def _listed(value: object) -> list[str]:
    """Make what is expected and what was given comparable: a value alone is a list of one."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return sorted(json.dumps(each) for each in values)


def brief_form(fact: Fact, known: Known) -> object:
    """Return a value in the shortest form that cases have in JSON."""
    if isinstance(known, Members):
        if known.includes | known.excludes == fact.known_values:
            return sorted(known.includes)
        return {key: members for key, members in _members(fact, known).items() if members}
    if isinstance(known, Bounds) and known.low == known.high:
        return fact.number(known.low)
    if isinstance(known, OneOf) and len(known.values) == 1:
        return next(iter(known.values))
    return change_form(fact, known)


def _members(fact: Fact, known: Members) -> dict[str, Any]:
    form: Any = case_form(fact, known)
    return dict(form)


def gathered(
    files: Sequence[Path], policies: Mapping[str, Policy]
) -> tuple[dict[str, list[PolicyTest]], list[Fault]]:
    """Read files of tests; return the tests of each policy, and what is wrong with any of them."""
    tests: dict[str, list[PolicyTest]] = {number: [] for number in policies}
    faults: list[Fault] = []
    for path in files:
        found, wrong = read_tests(path)
        faults += wrong
        for test in found:
            if test.case.policy in policies:
                tests[test.case.policy].append(test)
                continue
            meant = did_you_mean(test.case.policy, policies)
            message = f"policy {test.case.policy!r} is not in the knowledge base{meant}"
            fault = Fault(test.file, test.id, message)
            faults += [fault] if fault not in faults else []
    return tests, faults


def check_file(path: Path) -> None:
    """Raise UnreadableInputError if a file named by the caller is not there, or is no file."""
    if not path.exists():
        raise UnreadableInputError("no such file")
    if not path.is_file():
        raise UnreadableInputError(
            "this is a folder; name a file in it" if path.is_dir() else "this is no regular file"
        )
