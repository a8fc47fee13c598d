"""The subject of an analysis: versions of policies over one set of patients."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from engine.analysis.finding import Witness
from engine.analysis.patients import Patient, Patients
from engine.analysis.regions import Region, inside, prime_region
from engine.circuit import TRUE, Circuit, Derivation, Literal, chosen
from engine.determination import OUTCOMES, Outcome
from engine.goals import PARTS as ANSWERED
from engine.goals import Want
from engine.grounds import Grounds, Statuses
from engine.inputs import Inputs, as_known
from engine.policy import Branch, Policy, Version, branches, section_order
from engine.program import Atom, GroundProgram, Term
from engine.solver import Budget
from facts.values import Known
from facts.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Stated:
    """One version of a policy with its readings chosen, or left to each patient (None)."""

    policy: Policy
    version: Version
    readings: Mapping[str, str] | None

    @property
    def constants(self) -> dict[Atom, Literal]:
        """The atoms by which rules ask for a reading, with what the choice makes of them."""
        return chosen(self.policy, self.readings) if self.readings else {}


PARTS = {part: outcome or Outcome.DENY for part, outcome in ANSWERED.items()}
"""The parts of an answer, and the outcome whose answers differ in them: approvals have one basis."""


class Subject:
    """One version of a policy as literals of a circuit."""

    def __init__(
        self, circuit: Circuit, derivation: Derivation, stated: Stated, patients: Patients
    ) -> None:
        self.circuit = circuit
        self.derivation = derivation
        self.stated = stated
        self.patients = patients
        self.number = stated.policy.number
        self.texts = stated.version.texts

    @cached_property
    def branches(self) -> Mapping[str, Branch]:
        """The criteria that have parts, by section."""
        return branches(self.stated.version.program)

    @cached_property
    def pathways(self) -> Sequence[str]:
        """The sections of the pathways."""
        return self._sections_of("pathway")

    @cached_property
    def dispositions(self) -> Sequence[str]:
        """The sections of the dispositions."""
        return self._sections_of("disposition")

    def _sections_of(self, statement: str) -> Sequence[str]:
        arguments = self.stated.version.program.arguments(statement)
        return tuple(str(section) for _, section in arguments)

    def outcome(self, outcome: Outcome) -> Literal:
        """Return the literal by which a case gets an outcome, and no other.

        That of pend holds for cases that a faulty policy gives no outcome, or several.
        """
        if outcome is Outcome.PEND:
            return self.circuit.all_of(-self.outcome(each) for each in OUTCOMES)
        if not self._gives_several:
            return self.says(outcome)
        others = [-self.says(other) for other in OUTCOMES if other is not outcome]
        return self.circuit.all_of([self.says(outcome), *others])

    def says(self, outcome: Outcome) -> Literal:
        """Return the literal of an outcome; a faulty policy gives some cases several."""
        return self.derivation.literal(("outcome", outcome.value))

    @cached_property
    def _gives_several(self) -> bool:
        return any(
            self.patients.find(self.says(one), self.says(other)) is not None
            for one, other in combinations(OUTCOMES, 2)
        )

    def settled(self, patient: Patient) -> Outcome:
        """Return what a patient gets; pend if it is no outcome, or several."""
        having = inside(self.circuit, {p: 1 << value for p, value in enumerate(patient)})
        for outcome in OUTCOMES:
            if self.patients.find(self.outcome(outcome), *having) is not None:
                return outcome
        return Outcome.PEND

    def met(self, section: str) -> Literal:
        """Return the literal of a criterion."""
        return self.derivation.literal(("met", self.number, section))

    def applies(self, section: str) -> Literal:
        """Return the literal by which a pathway or disposition is the one for a request."""
        return self.derivation.literal(("applies", self.number, section))

    def approves(self, pathway: str) -> Literal:
        """Return the literal by which a pathway approves."""
        return self.circuit.all_of([self.applies(pathway), self.met(pathway)])

    def answers(self, part: str) -> list[Atom]:
        """Return the atoms that give a part of the answer: their third place has the value."""
        return [atom for atom in self._answers if atom[1] == part]

    def values(self, part: str) -> dict[tuple[Term, ...], Literal]:
        """Return the values a part of the answer can have, with the literals by which it has them."""
        found: dict[tuple[Term, ...], list[Literal]] = {}
        for atom in self.answers(part):
            found.setdefault(atom[3:], []).append(self.derivation.literal(atom))
        return {value: self.circuit.any_of(literals) for value, literals in found.items()}

    @cached_property
    def _answers(self) -> Sequence[Atom]:
        return tuple(self.derivation.program.possible("answer"))

    @cached_property
    def roots_of(self) -> Mapping[str, tuple[str, ...]]:
        """Return for each criterion in a tree the pathways and dispositions it is below."""
        found: dict[str, list[str]] = {}
        for root in (*self.pathways, *self.dispositions):
            pending, seen = [root], set[str]()
            while pending:
                section = pending.pop()
                if section not in seen:
                    seen.add(section)
                    found.setdefault(section, []).append(root)
                    pending.extend(self.branches.get(section, Branch(None, ())).parts)
        return {section: tuple(found[section]) for section in sorted(found, key=section_order)}

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Return for each criterion those it is a part of."""
        found: dict[str, list[str]] = {}
        for section in self.roots_of:
            for part in self.branches.get(section, Branch(None, ())).parts:
                found.setdefault(part, []).append(section)
        return {part: tuple(sections) for part, sections in found.items()}

    @cached_property
    def _grounds(self) -> Grounds:
        return Grounds(self.circuit, self.derivation, self.stated.policy, self.stated.version)

    def statuses(self, region: Region) -> Statuses:
        """Return what surely holds, and surely fails, for the patients of a region."""
        possible = [region.get(p, values) for p, values in enumerate(self.circuit.all_values)]
        (statuses,) = self._grounds.statuses([possible])
        return statuses

    def sections(self, outcome: Outcome, region: Region) -> tuple[str, ...]:
        """Return the deepest sections that carry an outcome for the patients of a region."""
        return self._grounds.sections(Want(outcome), self.statuses(region))


class Population:
    """All patients that some versions of policies, and references, can tell apart.

    They are those whom each of the versions serves; or only the first of them, if `of_first`.
    """

    def __init__(
        self,
        stated: Sequence[Stated],
        vocabulary: Vocabulary,
        budget: Budget,
        others: Iterable[GroundProgram] = (),
        *,
        of_first: bool = False,
    ) -> None:
        self.vocabulary = vocabulary
        self.budget = budget
        programs = [each.version.program for each in stated]
        whole = programs[0] if stated[0].readings is None else Inputs.shared([*programs, *others])
        self.inputs = Inputs(whole, vocabulary.facts)
        self.circuit = Circuit(whole, self.inputs)
        derivations = [
            self.circuit.derivation
            if each.readings is None
            else self.circuit.derive(each.version.program, each.constants)
            for each in stated
        ]
        self.valid = [
            -self.circuit.any_of(
                derivation.literal(atom) for atom in derivation.program.possible("impossible")
            )
            for derivation in derivations
        ]
        valid = self.valid[0] if of_first else self.circuit.all_of(self.valid)
        self.patients = Patients(self.circuit, valid, budget)
        self.subjects = [
            Subject(self.circuit, derivation, each, self.patients)
            for derivation, each in zip(derivations, stated, strict=True)
        ]

    @cached_property
    def anyone(self) -> Patients:
        """All complete cases, with contradictions and without."""
        return Patients(self.circuit, TRUE, self.budget)

    def anew(self) -> Patients:
        """Return the same patients, for many questions that no others are asked between."""
        return Patients(self.circuit, self.patients.valid, self.budget)

    def facts(self, region: Region) -> dict[str, Known]:
        """Say a region as what is known of facts; readings are left out."""
        units = self.circuit.units_end
        values = {place: kept for place, kept in region.items() if place < units}
        return as_known(self.circuit.domains, values, self.vocabulary.facts)

    def readings(self, region: Region) -> dict[str, str]:
        """Return the readings that a region chooses."""
        units, domains = self.circuit.units_end, self.circuit.domains
        return {
            domains[place].unit.fact: domains[place].names[values.bit_length() - 1]
            for place, values in region.items()
            if place >= units
        }

    def places(self, facts: Iterable[str]) -> list[int]:
        """Return the places of the units of some facts."""
        wanted = set(facts)
        units = self.circuit.domains[: self.circuit.units_end]
        return [place for place, domain in enumerate(units) if domain.unit.fact in wanted]

    def witness(
        self,
        subject: Subject,
        outcome: Outcome,
        holds: Literal,
        patient: Patient,
        kept: Iterable[int] = (),
    ) -> Witness:
        """Return the fewest facts of a patient by which a literal holds, as a case.

        The literal must entail the outcome.
        """
        return self.shown(subject, outcome, self.region(holds, patient, kept))

    def region(self, holds: Literal, patient: Patient, kept: Iterable[int] = ()) -> Region:
        """Return a prime region around a patient in which a literal holds; some places stay."""
        readings = range(self.circuit.units_end, len(self.circuit.domains))
        return prime_region(self.patients, holds, patient, {*kept, *readings})

    def example(self, subject: Subject, literals: Iterable[Literal]) -> Witness | None:
        """Return the fewest facts by which all literals hold and the outcome is settled."""
        asked = list(literals)
        for outcome, literal in ends(subject):
            patient = self.patients.find(*asked, literal)
            if patient is not None:
                holds = self.circuit.all_of([*asked, literal])
                return self.witness(subject, outcome, holds, patient)
        return None

    def shown(self, subject: Subject, outcome: Outcome, region: Region, shows: str = "") -> Witness:
        """Return a region as a case."""
        stated = subject.stated
        chosen = self.readings(region) if stated.readings is None else stated.readings
        return Witness(
            facts=self.facts(region),
            outcome=outcome,
            readings=stated.policy.chosen_otherwise(chosen),
            shows=shows,
            policy=stated.policy.number,
            version=stated.version.start,
        )


def outcomes(subject: Subject, without: Outcome | None = None) -> Iterator[tuple[Outcome, Literal]]:
    """Yield the outcomes that cases can have, with their literals."""
    for outcome in OUTCOMES:
        if outcome is not without and subject.outcome(outcome) != -TRUE:
            yield outcome, subject.outcome(outcome)


def ends(subject: Subject) -> Iterator[tuple[Outcome, Literal]]:
    """Yield what cases come to: an outcome, or pend where a faulty policy gives none, or several."""
    yield from outcomes(subject)
    yield Outcome.PEND, subject.outcome(Outcome.PEND)


def whole_answer(subject: Subject) -> Iterator[Literal]:
    """Yield the literals of an answer: the outcomes, and the values of its parts."""
    for _, literal in outcomes(subject):
        yield literal
    for part in PARTS:
        yield from subject.values(part).values()
