"""How answers and explanations are said: plain sentences, the same in every output.

Nothing here invites anyone to alter the truth. A sentence says what would have to be documented,
prescribed or awaited, and that a record may be corrected only if it is wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.derived import DerivedFact
from engine.determination import Authorization, Determination, Outcome, Quantity, Status
from engine.explanation import Change, Explanation, Move, Question, Reason, UnderReading
from engine.goals import NONE, Want
from engine.policy import Version
from facts.values import Bounds, Members
from facts.vocabulary import Changer, Fact, Vocabulary
from queries.criteria import sections
from queries.grouping import Group, Value, group_changes, places_of
from queries.phrases import both, cited, clause, counted, either, number_of_units, subject

MOST_SHOWN = 10
"""Groups of changes of one effort that people are shown; JSON has them all."""
MOST_REASONS = 3
"""Reasons that people are shown."""
REVIEW = "A recommendation only: a clinician must review it before it takes effect."
NO_PATHWAY = "No pathway of the policy is for such a request."
_EFFORTS = {
    Changer.DOCUMENT: "By finding out and documenting",
    Changer.PRESCRIBE: "By prescribing",
    Changer.WAIT: "With time",
    Changer.FIXED: "What cannot be changed",
}
_NOUNS = {Outcome.APPROVE: "approval", Outcome.REFER: "a referral", Outcome.DENY: "a denial"}
DONE = {Outcome.APPROVE: "approved", Outcome.REFER: "referred", Outcome.DENY: "denied"}
_PARTS = {
    "months": ("for {} months", "without a stated duration"),
    "quantity": ("for a quantity of {}", "without a stated limit of quantity"),
    "basis": ("on the basis {}", "without a basis"),
    "refer_to": ("to {}", "to no policy"),
}
"""How the parts of an answer are asked for, and how it is asked that there be none."""


# Answers


def answer_lines(answer: Determination) -> Iterator[str]:
    """Say what the outcome means: what is open, where the request goes, what is granted."""
    if answer.outcome is Outcome.PEND and answer.possible:
        yield f"Not settled yet: {either([outcome.value for outcome in answer.possible])}"
    deciding = cited(answer.deciding_sections)
    if answer.refer_to:
        yield f"Refer to {either(answer.refer_to)}{deciding}"
    elif answer.basis and answer.outcome is Outcome.DENY:
        yield f"Basis: {either([basis.replace('_', ' ') for basis in answer.basis])}{deciding}"
    if answer.outcome is Outcome.APPROVE:
        yield f"Approved under {either(answer.pathways)} for {granted_in_words(answer.authorization)}"


def granted_in_words(granted: Authorization) -> str:
    """Say for how long an approval is, and for how much at most."""
    limits = [
        f"{limit_in_words(quantity)} ({quantity.section})"
        for quantity in granted.quantities
        if quantity is not None
    ]
    if not limits:
        return duration(granted)
    perhaps = ", or without a stated limit" if None in granted.quantities else ""
    return f"{duration(granted)}, at most {either(limits)}{perhaps}"


def duration(granted: Authorization) -> str:
    """Say for how many months an approval is."""
    stated = [str(months) for months in granted.months if months is not None]
    if not stated:
        return "a duration the policy does not state"
    months = f"{either(stated)} month{'' if stated == ['1'] else 's'}"
    return f"{months} or without a stated duration" if None in granted.months else months


def limit_in_words(quantity: Quantity) -> str:
    """Say a limit of quantity: 3 capsules in 28 days."""
    return f"{counted(quantity.amount, quantity.unit)} in {quantity.days} days"


def version_line(version: Version) -> str:
    """Name a version with the dates it is in force and its status."""
    return f"{window(version.start, version.until)} ({version.status})"


# What is asked for


def wanted(want: Want) -> str:
    """Say what is asked for: "approval for 12 months"."""
    parts = [
        _PARTS[part][value == NONE].format(value.replace("_", " "))
        for part, value in want.parts.items()
    ]
    return " ".join([_NOUNS[want.outcome], *parts])


def standing(explanation: Explanation, vocabulary: Vocabulary) -> str | None:
    """Say that nothing needs to change, or that nothing can; None if there are changes."""
    want = explanation.want
    if explanation.reached and want.parts:
        return f"The answer is {wanted(want)} already: nothing needs to change."
    if explanation.reached:
        return f"{DONE[want.outcome].capitalize()} already: nothing needs to change."
    if explanation.changes or explanation.approve_if:
        return None
    if not explanation.complete:
        return f"No change that leads to {wanted(want)} was found, but not all were looked at."
    none = f"No obtainable change leads to {wanted(want)}."
    fixed = in_the_way(explanation, vocabulary)
    return f"{none} In the way: {fixed}, which cannot be changed." if fixed else none


def in_the_way(explanation: Explanation, vocabulary: Vocabulary) -> str:
    """Name the fixed facts that would have to be otherwise, alone or together."""
    return "; or ".join(
        both([subject(vocabulary.facts[name]) for name in facts])
        for facts in explanation.in_the_way
    )


# Changes


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence: what kind of thing there is to do, and then each of the things."""

    lead: str
    clauses: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.lead} {'; '.join(self.clauses)}."


@dataclass(frozen=True, slots=True)
class Way:
    """A group of changes in words, with the sections they move and how many changes they are."""

    steps: tuple[Step, ...]
    sections: tuple[str, ...]
    alternatives: int


@dataclass(frozen=True, slots=True)
class Effort:
    """The ways of one effort that people are shown, and how many more there are."""

    changer: Changer
    heading: str
    ways: tuple[Way, ...]
    more: str


def efforts(changes: Sequence[Change], vocabulary: Vocabulary) -> tuple[Effort, ...]:
    """Say changes in groups by effort, the easiest effort first."""
    groups = group_changes(changes, vocabulary)
    return tuple(
        _effort(changer, [group for group in groups if group.first.effort is changer], vocabulary)
        for changer in Changer
        if any(change.effort is changer for change in changes)
    )


def _effort(changer: Changer, groups: Sequence[Group], vocabulary: Vocabulary) -> Effort:
    hidden = len(groups) - MOST_SHOWN
    more = f"{counted(hidden, 'more way')}; --json lists them all." if hidden > 0 else ""
    ways = tuple(way(group, vocabulary) for group in groups[:MOST_SHOWN])
    return Effort(changer, _EFFORTS[changer], ways, more)


def way(group: Group, vocabulary: Vocabulary) -> Way:
    """Say a group of changes, in a sentence for each thing to do."""
    told: dict[str, list[str]] = {}
    for name, value in group.values.items():
        for lead, so in _steps(vocabulary.facts[name], value, group.first, vocabulary):
            told.setdefault(lead, []).append(so)
    steps = tuple(Step(lead, tuple(clauses)) for lead, clauses in told.items())
    return Way(steps, group.first.sections, len(group.changes))


def _steps(
    fact: Fact, value: Value, change: Change, vocabulary: Vocabulary
) -> Iterator[tuple[str, str]]:
    """Say what would have to be documented, prescribed or awaited of one fact, with its lead.

    Of a set that time adds to, what is to be added is awaited though the rest cannot be undone.
    """
    if fact.name not in change.alters:
        yield "To find out and document, if so:", clause(fact, value, vocabulary)
    elif fact.name in change.undoes:
        rest = value
        if fact.grows and isinstance(value, tuple):
            added, removed = (
                tuple(place for place in value if place.adds is adds) for adds in (True, False)
            )
            if added and removed:
                rest = removed
                yield "Once", clause(fact, added, vocabulary)
        yield "Only if the record is wrong:", clause(fact, rest, vocabulary)
    elif fact.changer is Changer.DOCUMENT:
        yield "If the record is incomplete, document that", clause(fact, value, vocabulary)
    elif fact.changer is Changer.WAIT:
        yield _awaited(fact, value, vocabulary)
    else:
        lead = "To prescribe:" if fact.changer is Changer.PRESCRIBE else "Cannot be changed:"
        yield lead, clause(fact, value, vocabulary, would=True)


def _awaited(fact: Fact, value: Value, vocabulary: Vocabulary) -> tuple[str, str]:
    """Say for what to wait: "after at least 2 completed lines of therapy"."""
    if isinstance(value, Bounds) and value.high == fact.highest:
        units = number_of_units(fact, value)
        if units is not None:
            return "After", units
    return "Once", clause(fact, value, vocabulary)


def alternatives(count: int) -> str:
    """Say how many changes a group stands for; nothing if it is one."""
    return f" {count} alternatives." if count > 1 else ""


def other_changes(explanation: Explanation) -> tuple[Change, ...]:
    """Return the changes that are no answers leading to approval: those are said by themselves."""
    if explanation.want != Want(Outcome.APPROVE):
        return explanation.changes
    answers = [change.facts for change in explanation.approve_if]
    return tuple(change for change in explanation.changes if change.facts not in answers)


# Reasons and questions


@dataclass(frozen=True, slots=True)
class Ground:
    """A reason in words: what each of its facts is, and the sections that rest on them."""

    clauses: tuple[str, ...]
    sections: tuple[str, ...]


def grounds(explanation: Explanation, vocabulary: Vocabulary) -> tuple[tuple[Ground, ...], str]:
    """Say the reasons people are shown, and how many more there are.

    First come those of the fewest facts, and among these, those that rest on the sections the
    request falls under.
    """
    hidden = len(explanation.reasons) - MOST_REASONS
    more = f"{counted(hidden, 'more reason')}; --json lists them all." if hidden > 0 else ""
    answer = explanation.determination
    near = {
        *answer.deciding_sections,
        *(section for tree in (answer.criteria, *answer.routing) for section in sections(tree)),
    }
    ordered = sorted(
        explanation.reasons,
        key=lambda reason: (len(reason.facts), len({*reason.sections} - near)),
    )
    return tuple(_ground(one, vocabulary) for one in ordered[:MOST_REASONS]), more


def _ground(reason: Reason, vocabulary: Vocabulary) -> Ground:
    clauses = tuple(
        clause(
            vocabulary.facts[name],
            places_of(known) if isinstance(known, Members) else known,
            vocabulary,
        )
        for name, known in sorted(reason.facts.items(), key=lambda item: item[0])
    )
    return Ground(clauses, reason.sections)


def because(explanation: Explanation) -> str:
    """Introduce the reasons of a settled outcome."""
    outcome = DONE[explanation.determination.outcome].capitalize()
    if len(explanation.reasons) == 1:
        return f"{outcome} because of these facts, whatever else is so:"
    return f"{outcome} because of each of these, alone and whatever else is so:"


@dataclass(frozen=True, slots=True)
class Open:
    """A fact that is not known, with its question and the members that are not known."""

    fact: str
    question: str
    members: tuple[str, ...]


def open_facts(answer: Determination, vocabulary: Vocabulary) -> tuple[Open, ...]:
    """List the unknown facts that can still matter."""
    return tuple(
        Open(name, vocabulary.facts[name].question, answer.unknown_members.get(name, ()))
        for name in answer.unknown_that_matter
    )


def idle_facts(explanation: Explanation, vocabulary: Vocabulary) -> str:
    """Name the unknown facts that cannot matter."""
    return ", ".join(vocabulary.facts[name].title for name in explanation.cannot_matter)


def settles(question: Question) -> str:
    """Say how much the answer to a question is expected to settle."""
    share = f"{question.settles:.0%}" if question.settles >= 0.01 else "less than 1%"
    return f"Expected to settle {share} of what is open."


# What records show


@dataclass(frozen=True, slots=True)
class Shown:
    """Something records show, in words, with the records and the sections it rests on."""

    subject: str
    text: str
    records: tuple[str, ...]
    sources: tuple[str, ...]


def shown_facts(answer: Determination, vocabulary: Vocabulary) -> tuple[Shown, ...]:
    """Say the facts that were derived from records."""
    return tuple(
        Shown(
            derived.fact,
            "; ".join(_derived(derived, vocabulary)),
            derived.records,
            tuple(
                dict.fromkeys(
                    f"{source.document} {source.section}"
                    for rule in derived.rules
                    for source in rule.sources
                )
            ),
        )
        for derived in (answer.derivation.facts if answer.derivation else ())
    )


def _derived(derived: DerivedFact, vocabulary: Vocabulary) -> Iterator[str]:
    """Say a derived value; of a set, what is in it, and then whichever is shorter to say.

    That is what may be in it besides, or what is not in it.
    """
    value, fact = derived.value, vocabulary.facts[derived.fact]
    if not isinstance(value, Members):
        yield clause(fact, value, vocabulary)
        return
    perhaps = fact.known_values - value.includes - value.excludes
    nothing = "none for certain" if perhaps else "none"
    yield f"{subject(fact)}: {', '.join(sorted(value.includes)) or nothing}"
    if perhaps and len(perhaps) <= len(value.excludes):
        yield f"perhaps {', '.join(sorted(perhaps))}"
    elif perhaps and value.excludes:
        yield f"not {', '.join(sorted(value.excludes))}"
    elif perhaps:
        yield "perhaps others"


def shown_cautions(answer: Determination) -> tuple[Shown, ...]:
    """Say what to look at before the drug is given."""
    return tuple(
        Shown(
            caution.kind.replace("_", " "),
            caution.text if caution.certain else f"may apply: {caution.text}",
            caution.records,
            (f"{caution.source.document} {caution.source.section}",),
        )
        for caution in (answer.derivation.cautions if answer.derivation else ())
    )


def record_problems(answer: Determination) -> tuple[str, ...]:
    """Say which records cannot be so; nothing was derived from them."""
    return tuple(
        f"{problem.record}, {problem.field}: {problem.message}"
        for problem in (answer.derivation.problems if answer.derivation else ())
    )


# Other readings and versions


def moved(moves: Sequence[Move]) -> tuple[str, ...]:
    """Say which criteria stand otherwise: "not met instead of met: I.A.4"."""
    sections: dict[tuple[Status | None, Status | None], list[str]] = {}
    for move in moves:
        sections.setdefault((move.before, move.after), []).append(move.section)
    return tuple(f"{_move(*turn)}: {', '.join(found)}" for turn, found in sections.items())


def _move(before: Status | None, after: Status | None) -> str:
    """Say how a criterion stands instead; one that is not part of a text is not looked at."""
    now = status(after) if after else "not looked at"
    return f"{now} instead of {status(before) if before else 'not looked at'}"


def status(of: Status) -> str:
    """Say a status: "not met"."""
    return of.value.replace("_", " ")


def telling(
    readings: Sequence[UnderReading], outcome: Outcome
) -> tuple[tuple[UnderReading, ...], tuple[str, ...]]:
    """Return the readings under which something stands otherwise, and the names of the others."""
    tell = {reading.name for reading in readings if reading.moves or reading.outcome is not outcome}
    others = dict.fromkeys(reading.name for reading in readings if reading.name not in tell)
    return tuple(reading for reading in readings if reading.name in tell), tuple(others)


def window(start: str, until: str | None) -> str:
    """Say from when to when a version is in force."""
    return f"{start} to {until}" if until else f"from {start} on"
