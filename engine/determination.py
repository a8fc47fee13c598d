"""Determinations: the outcome of a case, exact under unknown facts, with its criteria and parts.

The semantics is supervaluation: an outcome holds if every completion of the unknown facts that is
free of contradictions gives it (docs/semantics.md).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from itertools import combinations

from engine.dependence import Dependence, minimal_conflict
from engine.derived import Derivation
from engine.inputs import Inputs, Unit
from engine.policy import Branch, Policy, Version, branches
from engine.program import Atom
from engine.solver import FAILURES, Budget, Derived, Solver, SolvingStoppedError
from facts.values import Known
from facts.vocabulary import Vocabulary


class Outcome(StrEnum):
    """What a policy says of a request; pend when what is known does not settle it."""

    APPROVE = "approve"
    REFER = "refer"
    DENY = "deny"
    PEND = "pend"


class Status(StrEnum):
    """Whether a criterion is met in every completion, in none, or in some."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


OUTCOMES = (Outcome.APPROVE, Outcome.REFER, Outcome.DENY)


@dataclass(frozen=True, slots=True)
class CriterionStatus:
    """A criterion with its section, its text, where it stands, and its parts.

    `needs` says how many parts must be met: all, any, none, at least 2; None if it has no parts.
    """

    section: str
    status: Status
    text: str
    needs: str | None = None
    parts: tuple["CriterionStatus", ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """At most `amount` units every `days` days, as a section says."""

    amount: int
    unit: str
    days: int
    section: str


@dataclass(frozen=True, slots=True)
class Authorization:
    """What an approval grants. More than one value: what is known does not settle which.

    None among the values means that the policy may state none.
    """

    months: tuple[int | None, ...] = ()
    quantities: tuple[Quantity | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Advisory:
    """A statement of the policy that decides nothing; `certain` if it applies whatever is open."""

    section: str
    text: str
    certain: bool


@dataclass(frozen=True, slots=True)
class ReadingDependence:
    """The outcome would be another one if a reading were chosen otherwise."""

    name: str
    sections: tuple[str, ...]
    question: str
    choice: str
    other: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a case could not be decided: `kind` is contradiction, gap, overlap or stopped."""

    kind: str
    message: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one version of a policy says of a case.

    `possible` lists the outcomes that completions of the case can have; one when it is settled.
    `pathways` are the sections the request may fall under. `basis` and `refer_to` list what is
    still possible where a part is open.
    """

    outcome: Outcome
    possible: tuple[Outcome, ...] = ()
    basis: tuple[str, ...] = ()
    pathways: tuple[str, ...] = ()
    authorization: Authorization = field(default_factory=Authorization)
    refer_to: tuple[str, ...] = ()
    deciding_sections: tuple[str, ...] = ()

    @property
    def needs_clinician(self) -> bool:
        """Whether a clinician must review this: approval is ruled out and denial is possible."""
        return Outcome.DENY in self.possible and Outcome.APPROVE not in self.possible


@dataclass(frozen=True, slots=True, kw_only=True)
class Determination(Answer):
    """The answer to a case, with its criteria, what is missing, and what went wrong."""

    id: str | None
    policy: str
    version: str
    version_status: str
    on: str
    criteria: CriterionStatus
    routing: tuple[CriterionStatus, ...] = ()
    advisories: tuple[Advisory, ...] = ()
    unknown_that_matter: tuple[str, ...] = ()
    unknown_members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    readings: tuple[ReadingDependence, ...] = ()
    problems: tuple[Problem, ...] = ()
    derivation: Derivation | None = None
    """What was derived from the records of the case, if it has some."""

    def to_json(self) -> dict[str, object]:
        """Return the JSON form, as docs/semantics.md lists it."""
        return {
            "id": self.id,
            "policy": self.policy,
            "version": self.version,
            "version_status": self.version_status,
            "on": self.on,
            "outcome": self.outcome.value,
            "possible": [outcome.value for outcome in self.possible],
            "basis": _one_or_all(self.basis),
            "pathway": _one_or_all(self.pathways),
            "authorization": {
                "months": _one_or_all(self.authorization.months),
                "quantity": _one_or_all([*map(_quantity, self.authorization.quantities)]),
            },
            "refer_to": list(self.refer_to),
            "deciding_sections": list(self.deciding_sections),
            "criteria": _tree(self.criteria),
            "routing": [_tree(node) for node in self.routing],
            "advisories": [
                {"section": advisory.section, "text": advisory.text, "certain": advisory.certain}
                for advisory in self.advisories
            ],
            "unknown_that_matter": list(self.unknown_that_matter),
            "unknown_members": {
                fact: list(members) for fact, members in self.unknown_members.items()
            },
            "readings": [
                {
                    "name": reading.name,
                    "sections": list(reading.sections),
                    "question": reading.question,
                    "choice": reading.choice,
                    "other": reading.other,
                    "outcome": reading.outcome.value,
                }
                for reading in self.readings
            ],
            "needs_clinician": self.needs_clinician,
            "problems": [
                {"kind": problem.kind, "facts": list(problem.facts), "message": problem.message}
                for problem in self.problems
            ],
            **(self.derivation.to_json() if self.derivation else {}),
        }


def _one_or_all(values: Sequence[object]) -> object:
    """Give a settled part as its value, an open one as a list, and a missing one as None."""
    if not values:
        return None
    return values[0] if len(values) == 1 else list(values)


def _quantity(quantity: Quantity | None) -> dict[str, object] | None:
    if quantity is None:
        return None
    return {
        "amount": quantity.amount,
        "unit": quantity.unit,
        "days": quantity.days,
        "section": quantity.section,
    }


def _tree(node: CriterionStatus) -> dict[str, object]:
    return {
        "section": node.section,
        "status": node.status.value,
        "text": node.text,
        "needs": node.needs,
        "parts": [_tree(part) for part in node.parts],
    }


class Decider:
    """Decides cases under one version of a policy. Not safe to share between threads."""

    def __init__(self, policy: Policy, version: Version, vocabulary: Vocabulary) -> None:
        self._policy = policy
        self._version = version
        self._vocabulary = vocabulary
        self._inputs = Inputs(version.program, vocabulary.facts)
        self._budget = Budget()
        self._solver = Solver(version.program, self._budget)
        self._contradictions = {
            str(name): -self._solver.literal(("impossible", name))
            for _, name in version.program.possible("impossible")
        }
        self._outcomes = {
            outcome: self._solver.literal(("outcome", outcome.value)) for outcome in OUTCOMES
        }
        self._pathways = sorted(str(section) for _, section in version.program.arguments("pathway"))
        self._branches = branches(version.program)
        self._texts = version.texts

    @cached_property
    def _dependence(self) -> Dependence:
        """The two copies of the program that only an open answer needs."""
        return Dependence(self._version.program, self._inputs, self._budget)

    def outcome(self, known: Mapping[str, Known], readings: Mapping[str, str]) -> Outcome:
        """Return the outcome of a case, without the rest of a determination."""
        self._budget.renew()
        try:
            return self._settle(self._assume(self._state(known), readings))
        except FAILURES:
            return Outcome.PEND

    def determine(
        self,
        known: Mapping[str, Known],
        readings: Mapping[str, str],
        *,
        case: str | None,
        on: str,
    ) -> Determination:
        """Decide a case. Whatever goes wrong in the solver is a pend with its reason."""
        self._budget.renew()
        try:
            return self._determine(known, readings, case, on)
        except FAILURES as stopped:
            message = (
                str(stopped) if isinstance(stopped, SolvingStoppedError) else "the solver failed"
            )
            return self.pend(case, on, Problem("stopped", message))

    def _determine(
        self, known: Mapping[str, Known], readings: Mapping[str, str], case: str | None, on: str
    ) -> Determination:
        stated = self._state(known)
        assumptions = self._assume(stated, readings)
        possible = self._possible(assumptions)
        if not possible and not self._solver.satisfiable(assumptions):
            return self.pend(case, on, *self._conflicts(known, readings))
        broken = self._broken(assumptions)
        if broken:
            return self.pend(case, on, broken)
        derived = self._solver.derived(assumptions)
        answer = answered(possible, derived, self._pathways)
        applying = [str(section) for _, section in derived.possible("applies")]
        assessed = [section for section in applying if section in self._pathways]
        matter = self._matter(assumptions, answer.outcome, derived)
        return Determination(
            **{each.name: getattr(answer, each.name) for each in fields(answer)},
            id=case,
            policy=self._policy.number,
            version=self._version.start,
            version_status=self._version.status,
            on=on,
            criteria=self._criteria(assessed, derived),
            routing=tuple(
                self._status(section, derived)
                for section in applying
                if section not in self._pathways
            ),
            advisories=tuple(self._advisories(derived)),
            unknown_that_matter=tuple(sorted({unit.fact for unit in matter})),
            unknown_members=_members(matter),
            readings=tuple(self._depends_on(stated, readings, answer.outcome)),
        )

    @cached_property
    def total(self) -> bool:
        """Whether every contradiction-free complete case surely gets exactly one outcome."""
        self._budget.renew()
        try:
            return self._counterexample_literals() is None
        except SolvingStoppedError:
            return False
        finally:
            self._budget.renew()

    def counterexample(
        self,
    ) -> tuple[dict[str, object], dict[str, str], tuple[Outcome, ...]] | None:
        """Return a contradiction-free complete case without exactly one outcome, if there is one.

        It comes as the facts the policy looks at, in the JSON form, the readings, and the outcomes.
        Raises SolvingStoppedError if the search hit a limit.
        """
        self._budget.renew()
        broken = self._counterexample_literals()
        if broken is None:
            return None
        inputs = self._inputs
        asked = [
            *(atom for domain in inputs.domains for atom, _ in domain.atoms),
            *(atom for domain in inputs.readings.values() for atom, _ in domain.atoms),
            *self._outcomes.values(),
        ]
        values = self._solver.completion([*self._contradictions.values(), *broken], asked)
        holds = dict(zip(asked, values or [], strict=True))
        readings = {
            name: domain.names[domain.place(holds)] for name, domain in inputs.readings.items()
        }
        outcomes = (outcome for outcome, literal in self._outcomes.items() if holds[literal])
        return inputs.case(holds), readings, tuple(outcomes)

    def _counterexample_literals(self) -> list[int] | None:
        """Find literals of outcomes that some contradiction-free completion satisfies wrongly."""
        no_contradiction = list(self._contradictions.values())
        for _, wrong in self._wrong_outcomes():
            if self._solver.satisfiable([*no_contradiction, *wrong]):
                return wrong
        return None

    def _wrong_outcomes(self) -> Iterator[tuple[Problem, list[int]]]:
        """Yield the ways in which outcomes can be other than exactly one: none, or some two."""
        literals = list(self._outcomes.values())
        gap = Problem("gap", "the policy gives some completion of this case no outcome")
        yield gap, [-literal for literal in literals]
        overlap = Problem("overlap", "the policy gives some completion of this case two outcomes")
        for one, other in combinations(literals, 2):
            yield overlap, [one, other]

    def _broken(self, assumptions: Sequence[int]) -> Problem | None:
        """Say so if the policy gives some completion of the case no outcome, or two."""
        if self.total:
            return None
        for problem, wrong in self._wrong_outcomes():
            if self._solver.satisfiable([*assumptions, *wrong]):
                return problem
        return None

    def _assume(self, stated: Sequence[int], readings: Mapping[str, str]) -> list[int]:
        """Add the assumptions that choose the readings to those that state the facts."""
        return [*self._inputs.reading_literals(readings), *stated]

    def _state(self, known: Mapping[str, Known]) -> list[int]:
        """Return the assumptions that state the facts, and that nothing contradicts."""
        stated = (literal for fact in known for literal in self._inputs.literals(fact, known[fact]))
        return [*self._contradictions.values(), *stated]

    def _possible(self, assumptions: Sequence[int]) -> list[Outcome]:
        """Find the outcomes of the completions, with one solver call for each."""
        return [
            outcome
            for outcome, literal in self._outcomes.items()
            if self._solver.satisfiable([*assumptions, literal])
        ]

    def _keeps(self, assumptions: Sequence[int], outcome: Outcome) -> bool:
        """Whether a settled outcome surely stands under other assumptions: one solver call."""
        return (
            outcome is not Outcome.PEND
            and self.total
            and not self._solver.satisfiable([*assumptions, -self._outcomes[outcome]])
        )

    def _settle(self, assumptions: Sequence[int]) -> Outcome:
        """Return the one outcome of all completions, or pend if they have none, or several."""
        possible = self._possible(assumptions)
        if len(possible) != 1 or self._broken(assumptions):
            return Outcome.PEND
        return possible[0]

    def pend(self, case: str | None, on: str, *problems: Problem) -> Determination:
        """Leave the case undecided: nothing is said of any criterion."""
        pathways = tuple(self._unknown(section) for section in self._pathways)
        return Determination(
            id=case,
            policy=self._policy.number,
            version=self._version.start,
            version_status=self._version.status,
            on=on,
            outcome=Outcome.PEND,
            criteria=CriterionStatus(
                self._policy.number, Status.UNKNOWN, self._policy.title, "any", pathways
            ),
            problems=problems,
        )

    def _conflicts(self, known: Mapping[str, Known], readings: Mapping[str, str]) -> list[Problem]:
        """Name the contradictions of a case, each with a minimal set of the facts that clash.

        First those that the case breaks by themselves, then those that it breaks together.
        """
        base = self._inputs.reading_literals(readings)
        stated = [
            (("fact", fact), [literal])
            for fact, value in known.items()
            for literal in self._inputs.literals(fact, value)
        ]
        enforced = {("contradiction", name): [no] for name, no in self._contradictions.items()}
        problems: list[Problem] = []
        for contradiction in list(enforced.items()):
            clash = minimal_conflict(self._solver, base, [*stated, contradiction])
            if clash is not None:
                problems.append(self._clash(clash))
                del enforced[contradiction[0]]
        while (clash := minimal_conflict(self._solver, base, [*stated, *enforced.items()])) and any(
            name in enforced for name in clash
        ):
            problems.append(self._clash(clash))
            enforced = {name: no for name, no in enforced.items() if name not in clash}
        return problems

    def _clash(self, clash: Sequence[tuple[str, str]]) -> Problem:
        names = [name for kind, name in clash if kind == "contradiction"]
        facts = tuple(dict.fromkeys(name for kind, name in clash if kind == "fact"))
        text = "; ".join(self._contradiction(name) for name in names)
        return Problem("contradiction", f"{text} (facts: {', '.join(facts)})", facts)

    def _contradiction(self, name: str) -> str:
        text = self._vocabulary.contradictions.get(name)
        if text is not None:
            return text
        served = sorted(
            str(value)
            for _, fact, value in self._version.program.arguments("serves")
            if fact == name
        )
        return f"Policy {self._policy.number} is written for {name} {', '.join(served)} only"

    def _matter(
        self,
        assumptions: Sequence[int],
        outcome: Outcome,
        derived: Derived,
    ) -> frozenset[Unit]:
        """Find the unknown facts that matter to what is open: the outcome first, then its parts."""
        open_parts = {atom for atom in derived.some if atom[0] == "answer"} - derived.every
        if outcome is not Outcome.PEND and not open_parts:
            return frozenset()
        asked = "outcome" if outcome is Outcome.PEND else "answer"
        return self._dependence.matter(assumptions, asked)

    def _criteria(self, assessed: Sequence[str], derived: Derived) -> CriterionStatus:
        """Give the tree of the one pathway the request falls under, or of all it may fall under."""
        if len(assessed) == 1:
            return self._status(assessed[0], derived)
        return CriterionStatus(
            self._policy.number,
            _status(holds=derived.status(("approved", self._policy.number))),
            self._policy.title,
            "any",
            tuple(self._status(section, derived) for section in assessed),
        )

    def _status(self, section: str, derived: Derived) -> CriterionStatus:
        return CriterionStatus(
            section,
            _status(holds=derived.status(("met", self._policy.number, section))),
            self._texts[section],
            *self._below(section, lambda part: self._status(part, derived)),
        )

    def _below(
        self, section: str, show: Callable[[str], CriterionStatus]
    ) -> tuple[str | None, tuple[CriterionStatus, ...]]:
        branch = self._branches.get(section, Branch(None, ()))
        return branch.needs, tuple(show(part) for part in branch.parts)

    def _unknown(self, section: str) -> CriterionStatus:
        return CriterionStatus(
            section,
            Status.UNKNOWN,
            self._texts[section],
            *self._below(section, self._unknown),
        )

    def _advisories(self, derived: Derived) -> Iterator[Advisory]:
        for _, section in derived.possible("advises"):
            certain = ("advises", self._policy.number, section) in derived.every
            yield Advisory(str(section), self._texts[str(section)], certain)

    def _depends_on(
        self, stated: Sequence[int], readings: Mapping[str, str], outcome: Outcome
    ) -> Iterator[ReadingDependence]:
        """Find the readings that alone, chosen otherwise, would give another outcome."""
        for name, reading in sorted(self._policy.readings.items()):
            for other in sorted(reading.choices):
                if other == readings[name]:
                    continue
                assumptions = self._assume(stated, {**readings, name: other})
                if self._keeps(assumptions, outcome):
                    continue
                moved = self._settle(assumptions)
                if moved is not outcome:
                    yield ReadingDependence(
                        name, reading.sections, reading.question, readings[name], other, moved
                    )


_DECIDING = ("basis", "refer_to")


def answered(possible: Sequence[Outcome], derived: Derived, pathways: Collection[str]) -> Answer:
    """Return the answer to a case, given its possible outcomes and what is derived of it.

    `pathways` are those of the policy.
    """
    outcome = possible[0] if len(possible) == 1 else Outcome.PEND
    answers = list(derived.possible("answer")) if outcome is not Outcome.PEND else []
    approved = outcome is Outcome.APPROVE
    sections = (str(each) for _, each in derived.possible("approves" if approved else "applies"))
    return Answer(
        outcome=outcome,
        possible=tuple(possible),
        basis=_values(answers, "basis"),
        pathways=tuple(each for each in sections if approved or each in pathways),
        authorization=_authorization(answers, derived),
        refer_to=_values(answers, "refer_to"),
        deciding_sections=tuple(
            dict.fromkeys(str(answer[1]) for answer in answers if answer[0] in _DECIDING)
        ),
    )


def _authorization(answers: Sequence[Atom], derived: Derived) -> Authorization:
    months = sorted({int(answer[2]) for answer in answers if answer[0] == "months"})
    quantities = [
        Quantity(int(answer[2]), str(answer[3]), int(answer[4]), str(answer[1]))
        for answer in answers
        if answer[0] == "quantity"
    ]
    no_months = [None] if months and ("states", "months") not in derived.every else []
    no_limit = [None] if quantities and ("states", "quantity") not in derived.every else []
    return Authorization((*months, *no_months), (*quantities, *no_limit))


def _status(*, holds: bool | None) -> Status:
    if holds is None:
        return Status.UNKNOWN
    return Status.MET if holds else Status.NOT_MET


def _values(answers: Sequence[Atom], part: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(answer[2]) for answer in answers if answer[0] == part))


def _members(matter: frozenset[Unit]) -> dict[str, tuple[str, ...]]:
    members: dict[str, list[str]] = {}
    for unit in matter:
        if unit.member is not None:
            members.setdefault(unit.fact, []).append(unit.member)
    return {fact: tuple(sorted(members[fact])) for fact in sorted(members)}
