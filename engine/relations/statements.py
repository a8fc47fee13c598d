"""What documents state, version by version, as atoms to derive relations from."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.inputs import Inputs
from engine.policy import Version
from engine.program import IMPOSSIBLE, Atom, GroundProgram
from engine.relations.derivation import Given
from engine.solver import Budget, Solver
from engine.statements import POLICY_STATEMENTS, REFERENCE_STATEMENTS, STATIC_STATEMENTS
from facts.values import OneOf
from facts.vocabulary import Vocabulary

STATED = frozenset({*POLICY_STATEMENTS, *REFERENCE_STATEMENTS}) & STATIC_STATEMENTS
"""The statements that are the same for every patient."""
CONDITIONAL = frozenset({*POLICY_STATEMENTS, *REFERENCE_STATEMENTS}) - STATIC_STATEMENTS - {"met"}
"""The statements that hold for some patients, of which a relation can speak."""
GRANTS = frozenset({"months", "months_up_to", "quantity"})
"""The statements by which a pathway grants something: its section is their third argument."""
USES = frozenset({"supports", "limits"})
"""The statements by which a reference speaks of a use."""
LINE_OF_BUSINESS, DIAGNOSIS = "line_of_business", "diagnosis"


@dataclass(frozen=True)
class Text:
    """One version of a policy or reference, with its readings chosen; a reference has none.

    Its `subject` is a drug, or for a reference a diagnosis.
    """

    document: str
    subject: str
    version: Version
    readings: Mapping[str, str]
    vocabulary: Vocabulary

    @property
    def program(self) -> GroundProgram:
        """The ground program of the version."""
        return self.version.program

    @cached_property
    def regimens(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """The drugs of each combination, with the document's own, by section and option."""
        own = {self.subject} & self.vocabulary.drugs.keys()
        found: dict[tuple[str, str], set[str]] = {}
        for _, section, option, drug in self.program.arguments("combination"):
            found.setdefault((str(section), str(option)), set(own)).add(str(drug))
        return {listed: frozenset(drugs) for listed, drugs in found.items()}

    def patients(self) -> "Patients":
        """Return a search for patients under this version."""
        return Patients(self)


class Patients:
    """Finds contradiction-free patients under one version of a document, by clingo."""

    def __init__(self, text: Text) -> None:
        program = text.program
        self._inputs = Inputs(program, text.vocabulary.facts)
        self._solver = Solver(program, Budget())
        self._always = [
            *(-self._solver.literal(atom) for atom in program.possible(IMPOSSIBLE)),
            *self._inputs.reading_literals(text.readings),
        ]

    def some(self, atoms: Iterable[Atom], choice: tuple[str, str] | None = None) -> bool:
        """Whether all atoms hold for some patient, perhaps one with a value of a choice.

        Raises SolvingStoppedError at a limit.
        """
        having: list[int] = []
        if choice is not None:
            fact, value = choice
            having += self._inputs.literals(fact, OneOf(frozenset([value])))
        literals = (self._solver.literal(atom) for atom in atoms)
        return self._solver.satisfiable([*self._always, *having, *literals])


def stated(texts: Iterable[Text]) -> Iterator[Given]:
    """Yield what each version states for every patient."""
    for text in texts:
        for atom in sorted(text.program.facts, key=str):
            if atom[0] in STATED:
                yield "stated", text.version.start, atom


def possibly_stated(texts: Iterable[Text]) -> Iterator[Given]:
    """Yield what holds for some patient, and what pathways grant to some of a line of business."""
    for text in texts:
        start = text.version.start
        patients = text.patients()
        lines = _values(text, LINE_OF_BUSINESS)
        for name in sorted(CONDITIONAL - USES):
            for atom in text.program.possible(name):
                if not patients.some([atom]):
                    continue
                yield "can", start, atom
                if name in GRANTS:
                    approving = ("approves", text.document, atom[3])
                    for line in lines:
                        if patients.some([atom, approving], (LINE_OF_BUSINESS, line)):
                            yield "granted", start, atom, line


def possibly_used(texts: Iterable[Text]) -> Iterator[Given]:
    """Yield the uses that a reference supports or limits in some patients with a diagnosis."""
    for text in texts:
        atoms = [atom for name in sorted(USES) for atom in text.program.possible(name)]
        patients = text.patients() if atoms else None
        for atom in atoms:
            for value in _values(text, DIAGNOSIS):
                if patients is not None and patients.some([atom], (DIAGNOSIS, value)):
                    yield "useful", text.version.start, atom, value


def _values(text: Text, fact: str) -> Sequence[str]:
    choice = text.vocabulary.facts.get(fact)
    return choice.values if choice else ()


def regimen_name(drugs: Collection[str]) -> str:
    """Name a regimen by its drugs."""
    return " + ".join(sorted(drugs))


def listed_regimens(texts: Iterable[Text]) -> Iterator[Given]:
    """Yield the regimens that sections list, and the drugs they are made of."""
    made: set[frozenset[str]] = set()
    for text in texts:
        for (section, _), drugs in text.regimens.items():
            made.add(drugs)
            yield "listed", text.document, text.version.start, section, regimen_name(drugs)
    for drugs in sorted(made, key=regimen_name):
        for drug in sorted(drugs):
            yield "made_of", regimen_name(drugs), drug


def rules(texts: Iterable[Text]) -> Iterator[Given]:
    """Yield the ground rules of each version that its readings, as chosen, leave something to say.

    What a rule asks of a reading is left out, and so is a rule that asks all that another one of the
    same atom asks, and more.
    """
    for text in texts:
        names = {number: atom for atom, number in text.program.atoms.items()}
        where = text.document, text.version.start
        place = 0
        for head, bodies in _bodies(text).items():
            for body in bodies:
                place += 1
                yield "head", *where, place, _named(head, names)
                for each in sorted(body):
                    sign = "positive" if each > 0 else "negative"
                    yield "body", *where, place, _named(abs(each), names), sign


def _bodies(text: Text) -> Mapping[int, Sequence[frozenset[int]]]:
    """Return what the rules of each atom ask beside readings.

    A rule that asks for all of its conditions is left out if another one asks for some of them.
    """
    chosen = {
        number if text.readings.get(str(atom[2])) == atom[3] else -number
        for atom, number in text.program.atoms.items()
        if atom[0] == "reads"
    }
    found: dict[int, list[frozenset[int]]] = {}
    for head, defining in text.program.definitions.items():
        bodies = {
            (frozenset(rule.body) - chosen, rule.bound is not None)
            for rule in defining
            if not any(-literal in chosen for literal in rule.body)
        }
        least = {
            body
            for body, is_counted in bodies
            if is_counted or not any(other < body for other, _ in bodies)
        }
        found[head] = sorted(least, key=sorted)
    return found


def _named(number: int, names: Mapping[int, Atom]) -> Given:
    """Name an atom; one that the grounder made up, by its number."""
    return names.get(number, ("step", number))
