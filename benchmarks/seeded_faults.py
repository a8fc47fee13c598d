"""Seed faults into the packaged policies, and see what notices them.

The text of a policy is changed in one place, in one of many ways in which people get policies wrong.
Each mutant is loaded and checked, compared with the original, and put to the tests that lie beside
the policy. What parts from the original in no patient, under no reading and in no version, is
proved equivalent. Prints a table with a line for each kind of fault, and exits with status 1 if a
mutant was neither noticed nor proved equivalent.
"""

import argparse
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from multiprocessing import cpu_count, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from engine.analysis.analyst import Analyst
from engine.analysis.coverage import Covered, Example, Meter
from engine.analysis.patients import Patients
from engine.analysis.subject import Stated
from engine.circuit import TRUE, Circuit, Derivation, Literal
from engine.determination import OUTCOMES
from engine.inputs import Inputs
from engine.policy import Policy, Version
from engine.program import ASKED, Atom, GroundProgram
from engine.solver import Budget, SolvingStoppedError
from facts.errors import PolicygroundsError
from facts.vocabulary import Kind
from policygrounds import KnowledgeBase
from queries.policy_tests import Suite, gathered

SECONDS = 60.0
"""For one comparison."""
PARTS = ("basis", "refer_to", "months", "quantity")
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """A change of one place of a text: what kind it is, where, and the text it makes."""

    kind: str
    where: str
    text: str


# --- Reading a text -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a policy file, and where it stands in the text."""

    start: int
    end: int
    text: str

    @property
    def head(self) -> str:
        """What is stated."""
        return self.text.partition(":-")[0].strip().rstrip(".")

    @property
    def name(self) -> str:
        """The predicate of what is stated."""
        return self.head.partition("(")[0]

    @property
    def arguments(self) -> list[str]:
        """The arguments of what is stated, as they are written."""
        return split(self.head.partition("(")[2].strip()[:-1], ",")

    @property
    def conditions(self) -> list[str]:
        """The conditions it holds under, as they are written."""
        body = self.text.partition(":-")[2].strip().rstrip(".")
        return split(body, ",") if body else []

    def saying(self, conditions: Sequence[str], head: str | None = None) -> str:
        """Return the same statement under other conditions."""
        body = f" :- {', '.join(conditions)}" if conditions else ""
        return f"{self.head if head is None else head}{body}."

    def asking(self, place: int, condition: str) -> str:
        """Return the same statement with one condition exchanged."""
        conditions = self.conditions
        conditions[place] = condition
        return self.saying(conditions)


_PIECE = re.compile(r'"[^"]*"|%[^\n]*|\.(?=\s|$)|[^"%.]+|\.')


@cache
def statements(text: str) -> tuple[Statement, ...]:
    """List the statements of a text; comments are left out."""
    found: list[Statement] = []
    written, start = "", None
    for piece in _PIECE.finditer(text):
        if piece[0].startswith("%"):
            continue
        if start is None and piece[0].strip():
            start = piece.start() + len(piece[0]) - len(piece[0].lstrip())
        written += piece[0]
        if piece[0] == "." and start is not None:
            found.append(Statement(start, piece.end(), " ".join(written.split())))
            written, start = "", None
    return tuple(found)


def split(text: str, separator: str) -> list[str]:
    """Split a text where it is in no parentheses and no quotes."""
    pieces, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == '"'
        depth += 0 if quoted else (letter == "(") - (letter == ")")
        if letter == separator and depth == 0 and not quoted:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [piece.strip() for piece in pieces]


def alternatives(argument: str) -> list[str]:
    """List what an argument lists in parentheses, or itself."""
    return split(argument[1:-1], ";") if argument.startswith("(") else [argument]


def listed(several: Sequence[str]) -> str:
    """Write alternatives as one argument."""
    return several[0] if len(several) == 1 else f"({'; '.join(several)})"


# --- Faults ---------------------------------------------------------------------------------

Change: TypeAlias = tuple[Statement, str]
Changes: TypeAlias = Iterator[Change]
Kindly: TypeAlias = Callable[["Source"], Changes]

CONNECTIVES = ("all_of", "any_of", "none_of")
TURNED = {
    "at_least": ("more_than", "at_most"),
    "more_than": ("at_least", "less_than"),
    "at_most": ("less_than", "at_least"),
    "less_than": ("at_most", "more_than"),
}
"""For each comparison, the one that differs at the threshold alone, and its reverse."""
BASES = ("not_medically_necessary", "investigational")
_COMPARISON = re.compile(r"(not )?(at_least|more_than|at_most|less_than)\((\w+), (\S+)\)")
_DATED = re.compile(r'(since|before)\("([\d-]+)"\)')


class Source:
    """The text of a policy, and what there is to exchange in it."""

    def __init__(self, text: str, knowledge: KnowledgeBase) -> None:
        self.text = text
        self.facts = knowledge.vocabulary.facts
        self.statements = [each for each in statements(text) if each.name != "advises"]
        self.rules = [each for each in self.statements if each.conditions]
        self.dates = [s.arguments[1].strip('"') for s in self.statements if s.name == "version"]
        self.number = self.statements[0].arguments[0]
        self.texts = {
            section: each
            for each in self.statements
            if each.name == "criterion"
            for section in alternatives(each.arguments[1])
        }
        self.parts = [each for each in self.statements if each.name in CONNECTIVES]

    def stated(self, *names: str) -> Iterator[Statement]:
        """List the statements of some predicates."""
        return (each for each in self.statements if each.name in names)

    def rules_of(self, section: str) -> list[Statement]:
        """List the rules by which a criterion is met."""
        return [
            each
            for each in self.statements
            if each.name == "met" and section in alternatives(each.arguments[1])
        ]

    def conditions(self, pattern: str) -> Iterator[tuple[Statement, int, re.Match[str]]]:
        """List the conditions that fit a pattern, with their rule and place."""
        for rule in self.rules:
            for place, condition in enumerate(rule.conditions):
                match = re.fullmatch(pattern, condition)
                if match is not None:
                    yield rule, place, match

    def at(self, statement: Statement, instead: str) -> str:
        """Return the text with another statement in the place of one."""
        return self.text[: statement.start] + instead + self.text[statement.end :]


def criterion_waived(source: Source) -> Changes:
    """Let a criterion hold for everyone."""
    for section in source.texts:
        rules = source.rules_of(section)
        if rules:
            yield rules[0], f"met({source.number}, {section})."


def criterion_dropped(source: Source) -> Changes:
    """Take a part out of a criterion, and all that is said of it out of the text."""
    for each in source.parts:
        parts = alternatives(each.arguments[2])
        for part in parts:
            rest = [other for other in parts if other != part]
            head = f"{each.name}({', '.join([*each.arguments[:2], listed(rest)])})" if rest else ""
            yield each, each.saying(each.conditions, head) if rest else ""


def criterion_doubled(source: Source) -> Changes:
    """Ask for a criterion twice."""
    for each in source.parts:
        for part in alternatives(each.arguments[2]):
            again = f'{part[:-1]} (again)"'
            conditions = f" :- {', '.join(each.conditions)}" if each.conditions else ""
            yield (
                each,
                " ".join(
                    (
                        each.text,
                        f'criterion({source.number}, {again}, "The same once more").',
                        f"met({source.number}, {again}) :- met({source.number}, {part}).",
                        f"{each.name}({source.number}, {each.arguments[1]}, {again}){conditions}.",
                    )
                ),
            )


def part_moved(source: Source) -> Changes:
    """Make a part one of the next criterion of the same kind."""
    for one, other in pairwise([*source.parts, *source.parts[:1]]):
        parts = alternatives(one.arguments[2])
        if one.conditions or len(parts) < 2 or one.arguments[1] == other.arguments[1]:
            continue
        for part in parts:
            rest = [each for each in parts if each != part]
            left = f"{one.name}({source.number}, {one.arguments[1]}, {listed(rest)})."
            moved = f"{other.name}({source.number}, {other.arguments[1]}, {part})."
            yield one, f"{left} {moved}"


def connective_swapped(source: Source) -> Changes:
    """Ask for all parts instead of any, for any instead of all, or for none."""
    for each in source.parts:
        for name in CONNECTIVES:
            if name != each.name:
                yield each, each.text.replace(each.name, name, 1)


def condition_dropped(source: Source) -> Changes:
    """Leave a condition out of a rule."""
    for rule in source.rules:
        for place in range(len(rule.conditions)):
            rest = [each for at, each in enumerate(rule.conditions) if at != place]
            if rest:
                yield rule, rule.saying(rest)


def condition_negated(source: Source) -> Changes:
    """Turn a condition around."""
    for rule, place, match in source.conditions(r"(not )?([a-z_]+\(.*\))"):
        if ";" not in match[2] and "(_" not in match[2]:
            yield rule, rule.asking(place, match[2] if match[1] else f"not {match[2]}")


def rule_dropped(source: Source) -> Changes:
    """Take out one of several ways to meet a criterion, or to a name of the policy's own."""
    heads = Counter(rule.head for rule in source.rules)
    for rule in source.rules:
        if heads[rule.head] > 1:
            yield rule, ""


def decision_dropped(source: Source) -> Changes:
    """Take out a rule that refers or denies."""
    for each in source.stated("refers", "denies"):
        yield each, ""


def pathway_closed(source: Source) -> Changes:
    """Take out when a pathway applies, but for what no request has."""
    for each in source.stated("applies"):
        yield (
            each,
            each.saying([*each.conditions, "is(request, initial)", "is(request, continuation)"]),
        )


def threshold_moved(source: Source) -> Changes:
    """Compare with the next number up or down."""
    for rule, place, match in source.conditions(_COMPARISON.pattern):
        for step in (1, -1):
            number = int(match[4].strip('"')) + step
            yield rule, rule.asking(place, f"{match[1] or ''}{match[2]}({match[3]}, {number})")


def at_least_for_more_than(source: Source) -> Changes:
    """Exclude the threshold, or include it."""
    yield from _compared(source, 0)


def comparison_reversed(source: Source) -> Changes:
    """Ask for at most where at least is meant."""
    yield from _compared(source, 1)


def _compared(source: Source, which: int) -> Changes:
    for rule, place, match in source.conditions(_COMPARISON.pattern):
        other = TURNED[match[2]][which]
        yield rule, rule.asking(place, f"{match[1] or ''}{other}({match[3]}, {match[4]})")


def alternative_shadowed(source: Source) -> Changes:
    """Ask of one alternative also what another one asks."""
    for each in source.parts:
        parts = alternatives(each.arguments[2])
        if each.name == "any_of":
            for one, other in zip(parts, [*parts[1:], *parts[:1]], strict=True):
                rules = source.rules_of(one)
                if one != other and rules:
                    conditions = [*rules[0].conditions, f"met({source.number}, {other})"]
                    yield rules[0], rules[0].saying(conditions)


def referral_rerouted(source: Source) -> Changes:
    """Refer to another policy of those that the text names, or to none there is."""
    named = sorted(set(re.findall(r'"(?:CP|HIM)\.\w+\.\d+"', source.text)) - {source.number})
    for each in source.statements:
        for number in named:
            if number in each.text and each.name != "policy":
                at = named.index(number)
                for other in (named[(at + 1) % len(named)], '"CP.PMN.999"'):
                    yield each, each.text.replace(number, other, 1)


def months_changed(source: Source) -> Changes:
    """Approve for longer, or shorter."""
    for each in source.stated("months", "months_up_to"):
        months = int(each.arguments[3])
        for other in (18 - months, months + 1):
            head = f"{each.name}({', '.join([*each.arguments[:3], str(other)])})"
            yield each, each.saying(each.conditions, head)


def months_for_another_pathway(source: Source) -> Changes:
    """State the months of one pathway for another."""
    pathways = sorted({each.arguments[1] for each in source.stated("pathway")})
    for each in source.stated("months", "months_up_to"):
        for pathway in pathways:
            if pathway != each.arguments[2]:
                arguments = [*each.arguments[:2], pathway, each.arguments[3]]
                yield each, each.saying(each.conditions, f"{each.name}({', '.join(arguments)})")


def quantity_changed(source: Source) -> Changes:
    """Allow more units, or for fewer days."""
    for each in source.stated("quantity"):
        for place, step in ((3, 1), (5, -7)):
            arguments = each.arguments
            arguments[place] = str(int(arguments[place]) + step)
            yield each, each.saying(each.conditions, f"quantity({', '.join(arguments)})")


def basis_changed(source: Source) -> Changes:
    """Deny for the other reason."""
    for each in source.stated("denies"):
        one, other = BASES if BASES[0] in each.text else BASES[::-1]
        yield each, each.text.replace(one, other)


def class_exchanged(source: Source) -> Changes:
    """Ask for another class of drugs."""
    classes = ("proteasome_inhibitor", "immunomodulator", "anti_cd38")
    for rule, place, match in source.conditions(r"drug_class\(Drug, (\w+)\)"):
        for other in classes:
            if other != match[1]:
                yield rule, rule.asking(place, f"drug_class(Drug, {other})")


def class_for_drug(source: Source) -> Changes:
    """Ask for one drug where a class is meant, or for any of a class where drugs are named."""
    for rule in source.rules:
        for place, condition in enumerate(rule.conditions):
            if condition.startswith("drug_class(Drug,"):
                yield rule, rule.asking(place, "Drug = other_drug")
            match = re.fullmatch(r"includes\((\w+), (.*)\)", condition)
            if match and match[2][0] in "(abcdefghijklmnopqrstuvwxyz":
                conditions = rule.conditions
                conditions[place : place + 1] = [
                    f"includes({match[1]}, Drug)",
                    "drug_class(Drug, immunomodulator)",
                ]
                yield rule, rule.saying(conditions)


def drug_exchanged(source: Source) -> Changes:
    """List another drug in a combination or a table, or one drug less."""
    for each in source.stated("combination", "alternative"):
        drugs = alternatives(each.arguments[-1])
        for drug in drugs:
            rest = [other for other in drugs if other != drug]
            for instead in (rest, [*rest, "selinexor"]):
                if instead:
                    arguments = [*each.arguments[:-1], listed(instead)]
                    yield each, f"{each.name}({', '.join(arguments)})."


def combination_opened(source: Source) -> Changes:
    """Ask for the exact combination where more drugs may be given, or the other way round."""
    for rule, place, match in source.conditions(r"(exact|included)_combination(\(.*\))"):
        other = "included" if match[1] == "exact" else "exact"
        yield rule, rule.asking(place, f"{other}_combination{match[2]}")


def value_exchanged(source: Source) -> Changes:
    """Ask for another value of a choice, or for one less of several."""
    for rule, place, match in source.conditions(r"(not )?is\((\w+), (.*)\)"):
        if match[2] not in source.facts or match[3][0].isupper():
            continue
        values, named = source.facts[match[2]].values, alternatives(match[3])
        for value in named:
            rest = [other for other in named if other != value]
            others = [other for other in values if other not in named]
            for instead in (rest, *([*rest, other] for other in others[:2])):
                if instead:
                    written = f"{match[1] or ''}is({match[2]}, {listed(instead)})"
                    yield rule, rule.asking(place, written)


def fact_exchanged(source: Source) -> Changes:
    """Ask for another fact of the same kind."""
    asked = sorted({match[2] for _, _, match in source.conditions(r"(not )?yes\((\w+)\)")})
    for rule, place, match in source.conditions(r"(not )?yes\((\w+)\)"):
        other = asked[(asked.index(match[2]) + 1) % len(asked)]
        yield rule, rule.asking(place, f"{match[1] or ''}yes({other})")
    numbers = [name for name, fact in source.facts.items() if fact.kind is Kind.NUMBER]
    for rule, place, match in source.conditions(_COMPARISON.pattern):
        other = numbers[(numbers.index(match[3]) + 1) % len(numbers)]
        yield rule, rule.asking(place, f"{match[1] or ''}{match[2]}({other}, {match[4]})")


def section_exchanged(source: Source) -> Changes:
    """Ask for another criterion than the one that is meant."""
    sections = sorted(source.texts)
    for rule, place, match in source.conditions(r'(not )?met\(("[^"]+"), ("[^"]+")\)'):
        other = sections[(sections.index(match[3]) + 1) % len(sections)]
        yield rule, rule.asking(place, f"{match[1] or ''}met({match[2]}, {other})")


def scope_changed(source: Source) -> Changes:
    """Serve everyone, or a line of business more or less."""
    for each in source.stated("serves"):
        lines = alternatives(each.arguments[2])
        yield each, ""
        for lesser in lines:
            rest = [line for line in lines if line != lesser]
            yield each, f"serves({each.arguments[0]}, {each.arguments[1]}, {listed(rest)})."
        yield each, f"serves({each.arguments[0]}, {each.arguments[1]}, {listed([*lines, 'fep'])})."


def reading_turned(source: Source) -> Changes:
    """Read a text otherwise unless someone says how."""
    choices = _choices(source)
    for each in source.stated("default_choice"):
        for other in choices[each.arguments[1]]:
            if other != each.arguments[2]:
                yield each, f"default_choice({', '.join([*each.arguments[:2], other])})."


def reading_confused(source: Source) -> Changes:
    """Let a rule hold for the other choice of a reading."""
    choices = _choices(source)
    for rule, place, match in source.conditions(r'reads\(("[^"]+"), (\w+), (\w+)\)'):
        for other in choices[match[2]]:
            if other != match[3]:
                yield rule, rule.asking(place, f"reads({match[1]}, {match[2]}, {other})")


def _choices(source: Source) -> Mapping[str, list[str]]:
    choices: dict[str, list[str]] = defaultdict(list)
    for each in source.stated("choice"):
        choices[each.arguments[1]].append(each.arguments[2])
    return choices


def date_moved(source: Source) -> Changes:
    """Let a change come a version earlier or later, or turn it around."""
    for rule, place, match in source.conditions(_DATED.pattern):
        at = source.dates.index(match[2])
        for other in {max(at - 1, 0), min(at + 1, len(source.dates) - 1)} - {at}:
            yield rule, rule.asking(place, f'{match[1]}("{source.dates[other]}")')
        turned = "before" if match[1] == "since" else "since"
        yield rule, rule.asking(place, f'{turned}("{match[2]}")')


def window_shifted(source: Source) -> Changes:
    """Let a version end early, begin late, or last forever."""
    for each in source.stated("version"):
        _, start, until, *_ = each.arguments
        if until == "open":
            yield each, each.text.replace(" open,", ' "2025-12-31",', 1)
        else:
            for day in (f'{until[:5]}-07-15"', "open"):
                yield each, each.text.replace(f" {until},", f" {day},", 1)
        yield each, each.text.replace(start, f'{start[:5]}-08-15"', 1)


def negation_of_decision(source: Source) -> Changes:
    """Deny or refer although the request is approved."""
    for each in source.stated("refers", "denies"):
        for place, condition in enumerate(each.conditions):
            if condition.startswith("not approved"):
                yield each, each.asking(place, condition.removeprefix("not "))


KINDS: Mapping[str, Kindly] = {
    "criterion waived": criterion_waived,
    "criterion dropped": criterion_dropped,
    "criterion doubled": criterion_doubled,
    "part moved": part_moved,
    "connective swapped": connective_swapped,
    "condition dropped": condition_dropped,
    "condition negated": condition_negated,
    "way dropped": rule_dropped,
    "decision dropped": decision_dropped,
    "decision on the approved": negation_of_decision,
    "pathway closed": pathway_closed,
    "threshold moved": threshold_moved,
    "at_least for more_than": at_least_for_more_than,
    "comparison reversed": comparison_reversed,
    "alternative shadowed": alternative_shadowed,
    "referral rerouted": referral_rerouted,
    "months changed": months_changed,
    "months for another pathway": months_for_another_pathway,
    "quantity changed": quantity_changed,
    "basis changed": basis_changed,
    "class exchanged": class_exchanged,
    "class for drug": class_for_drug,
    "drug exchanged": drug_exchanged,
    "combination opened": combination_opened,
    "value exchanged": value_exchanged,
    "fact exchanged": fact_exchanged,
    "criterion exchanged": section_exchanged,
    "scope changed": scope_changed,
    "reading default turned": reading_turned,
    "reading confused": reading_confused,
    "date boundary moved": date_moved,
    "window shifted": window_shifted,
}


def faults(source: Source) -> Iterator[Fault]:
    """Make every fault of every kind."""
    for kind, make in KINDS.items():
        for statement, instead in make(source):
            text = source.at(statement, instead)
            if kind == "criterion dropped":
                text = _without_orphans(text, source.text)
            if text != source.text:
                line = source.text.count("\n", 0, statement.start) + 1
                where = f"line {line}: {statement.text[:60]} > {instead[:100]}"
                yield Fault(kind, where, text)


def _without_orphans(text: str, before: str) -> str:
    """Take out all that is said of criteria that were parts of another and no longer are."""
    gone = _parts(before) - _parts(text)
    for each in reversed(statements(text)):
        concerned = each.name in ("criterion", "met", *CONNECTIVES)
        if concerned and set(alternatives(each.arguments[1])) <= gone:
            text = text[: each.start] + text[each.end :]
    return text


def _parts(text: str) -> set[str]:
    stated = statements(text)
    parents = {
        s
        for e in stated
        if e.name in ("pathway", "disposition")
        for s in alternatives(e.arguments[1])
    }
    children = {
        part
        for each in stated
        if each.name in CONNECTIVES
        for part in alternatives(each.arguments[2])
    }
    return children - parents


# --- What notices them ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Noticed:
    """What became of a mutant."""

    fault: Fault
    refused: bool = False
    by_check: bool = False
    by_comparison: bool = False
    by_tests: bool = False
    equivalent: bool = False

    @property
    def missed(self) -> bool:
        """Whether nothing noticed it, and it is not proved equivalent either."""
        return not (
            self.refused or self.by_check or self.by_comparison or self.by_tests or self.equivalent
        )


class Original:
    """The packaged policy that faults are seeded into."""

    def __init__(self, number: str, knowledge: KnowledgeBase) -> None:
        self.knowledge = knowledge
        self.policy = self.knowledge.policy(number)
        file = self.knowledge.file(number)
        if file is None:
            raise ValueError(number)
        self.file = file
        self.text = file.read_text("utf-8")
        self.source = Source(self.text, self.knowledge)
        tests, _ = gathered([file.with_suffix(".cases.json")], self.knowledge.policies)
        self._tests = tests[number]
        self._found: dict[str, frozenset[tuple[str, str]]] = {}

    def found(self, version: Version) -> frozenset[tuple[str, str]]:
        """Return the findings of a version."""
        if version.start not in self._found:
            self._found[version.start] = findings(self.knowledge, self.policy, version)
        return self._found[version.start]

    def loaded(self, fault: Fault) -> KnowledgeBase | None:
        """Load a mutant; None if it is refused."""
        with TemporaryDirectory() as folder:
            (Path(folder) / self.file.name).write_text(fault.text, "utf-8")
            try:
                return KnowledgeBase.load(folder)
            except PolicygroundsError:
                return None

    def noticed(self, fault: Fault) -> Noticed:
        """See what notices a fault."""
        mutant = self.loaded(fault)
        if mutant is None:
            return Noticed(fault, refused=True)
        policy = mutant.policy(self.policy.number)
        try:
            days = self.parting(policy)
        except SolvingStoppedError:
            days = None
        day = days[0] if days else policy.versions[-1].start
        return Noticed(
            fault,
            by_check=self._checked(mutant, policy, day),
            by_comparison=bool(days),
            by_tests=self._fails(mutant),
            equivalent=days == [],
        )

    def parting(self, mutant: Policy) -> list[str]:
        """Return the first day, if any, on which the two part, as both are read or under any reading.

        Raises SolvingStoppedError at a limit.
        """
        versions = (*self.policy.versions, *mutant.versions)
        for day in sorted({day for each in versions for day in (each.start, each.until) if day}):
            one, other = (_in_force(policy, day) for policy in (self.policy, mutant))
            if one is None and other is None:
                continue
            if one is None or other is None:
                return [day]
            pair = (
                Stated(self.policy, one, _defaults(self.policy)),
                Stated(mutant, other, _defaults(mutant)),
            )
            if any(self._part(pair, read=read) for read in (True, False)):
                return [day]
        return []

    def _part(self, pair: tuple[Stated, Stated], *, read: bool) -> bool:
        """Tell whether two versions part in some patient, each read by its defaults or anyhow.

        What lies outside of the scope of one of them alone parts them too.
        """
        programs = [stated.version.program for stated in pair]
        asked = {
            atom
            for program in programs
            for atom in program.atoms
            if atom[0] in ASKED or (atom[0] == "reads" and not read)
        }
        atoms = {atom: number for number, atom in enumerate(sorted(asked, key=str), start=1)}
        whole = GroundProgram((), atoms, frozenset())
        circuit = Circuit(whole, Inputs(whole, self.knowledge.vocabulary.facts))
        derivations = [
            circuit.derive(stated.version.program, stated.constants if read else None)
            for stated in pair
        ]
        said = [_said(circuit, derivation) for derivation in derivations]
        budget = Budget()
        budget.renew(SECONDS)
        served = circuit.any_of(-each["impossible",] for each in said)
        patients = Patients(circuit, served, budget)
        first, second = said
        return any(
            patients.find(sign * first.get(part, -TRUE), -sign * second.get(part, -TRUE))
            for part in sorted(first.keys() | second.keys(), key=str)
            for sign in (1, -1)
        )

    def _checked(self, mutant: KnowledgeBase, policy: Policy, day: str) -> bool:
        """Tell whether the findings are others than those of the original."""
        one, other = (_in_force(each, day) for each in (self.policy, policy))
        if one is None or other is None:
            one, other = self.policy.versions[-1], policy.versions[-1]
        try:
            return findings(mutant, policy, other) != self.found(one)
        except SolvingStoppedError:
            return False

    def _fails(self, mutant: KnowledgeBase) -> bool:
        """Tell whether a test of the policy fails, with no more of them run than it takes."""
        suite = Suite(
            mutant.vocabulary,
            lambda case, readings: mutant.determine(case, readings=readings),
            lambda _, __: _Unmeasured(),
        )
        policy = mutant.policy(self.policy.number)
        return any(not suite.report(policy, [test], propose=False).passed for test in self._tests)


class _Unmeasured(Meter):
    """Measures nothing: whether tests pass does not hang on what they cover."""

    def __init__(self) -> None:
        self.proved = True

    def measure(self, examples: Sequence[Example], *, propose: bool = True) -> list[Covered]:
        """Return nothing."""
        del examples, propose
        return []


def _said(circuit: Circuit, derivation: Derivation) -> dict[Atom, Literal]:
    """Return all that a version says: outcomes, parts of the answer, and whom it does not serve."""
    said: dict[Atom, list[Literal]] = {("impossible",): []}
    for atom in derivation.program.possible("impossible"):
        said["impossible",].append(derivation.literal(atom))
    for outcome in OUTCOMES:
        said["outcome", outcome.value] = [derivation.literal(("outcome", outcome.value))]
    for atom in derivation.program.possible("answer"):
        if atom[1] in PARTS:
            said.setdefault((atom[1], *atom[3:]), []).append(derivation.literal(atom))
    return {part: circuit.any_of(literals) for part, literals in said.items()}


def findings(
    knowledge: KnowledgeBase, policy: Policy, version: Version
) -> frozenset[tuple[str, str]]:
    """Return what is found of a version by itself, by kind and subject."""
    analyst = Analyst(knowledge.vocabulary, knowledge.policies, {})
    found = analyst.check(policy, version, _defaults(policy))
    return frozenset((finding.kind.value, finding.subject) for finding in found)


def _defaults(policy: Policy) -> dict[str, str]:
    return {name: reading.default for name, reading in policy.readings.items()}


def _in_force(policy: Policy, day: str) -> Version | None:
    for version in policy.versions:
        if version.start <= day and (version.until is None or day < version.until):
            return version
    return None


# --- The table ------------------------------------------------------------------------------


def drawn(source: Source, seed: str, most: int | None) -> list[Fault]:
    """Return the faults of a policy, at most so many of a kind, drawn at random."""
    by_kind: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults(source):
        by_kind[fault.kind].append(fault)
    return [
        fault
        for kind, several in by_kind.items()
        for fault in random.Random(f"{seed}:{kind}").sample(
            several, len(several) if most is None else min(most, len(several))
        )
    ]


COLUMNS: Mapping[str, Callable[[Noticed], bool]] = {
    "mutants": lambda _: True,
    "refused": lambda noticed: noticed.refused,
    "check": lambda noticed: noticed.by_check,
    "comparison": lambda noticed: noticed.by_comparison,
    "tests": lambda noticed: noticed.by_tests,
    "equivalent": lambda noticed: noticed.equivalent,
    "missed": lambda noticed: noticed.missed,
}
"""What is counted of the mutants of a kind; what parts from the original is never equivalent."""


def table(all_noticed: Iterable[Noticed]) -> Iterator[str]:
    """Write a line for each kind of fault, and one for all."""
    by_kind: dict[str, list[Noticed]] = defaultdict(list)
    for noticed in all_noticed:
        by_kind[noticed.fault.kind].append(noticed)
    yield f"{'kind':28}" + "".join(f"{column:>12}" for column in COLUMNS)
    everything = [noticed for several in by_kind.values() for noticed in several]
    ordered = {kind: by_kind[kind] for kind in KINDS if kind in by_kind}
    for kind, several in {**ordered, "all": everything}.items():
        counts = (sum(map(counted, several)) for counted in COLUMNS.values())
        yield f"{kind:28}" + "".join(f"{count:12}" for count in counts)


_originals: dict[str, Original] = {}


def _noticed(job: tuple[str, Fault]) -> Noticed:
    """See what notices a fault, in a process that loads the original once."""
    number, fault = job
    if number not in _originals:
        _originals[number] = Original(number, KnowledgeBase.load())
    return _originals[number].noticed(fault)


def main() -> int:
    """Seed the faults, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", action="append", help="both if none is named")
    parser.add_argument("--kind", action="append", choices=KINDS, help="all if none is named")
    parser.add_argument("--most", type=int, default=10, help="of a kind and a policy; 0 for all")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--processes", type=int, default=cpu_count())
    options = parser.parse_args()
    started = time.monotonic()
    knowledge = KnowledgeBase.load()
    jobs = [
        (number, fault)
        for number in options.policy or sorted(knowledge.policies)
        for fault in drawn(Original(number, knowledge).source, options.seed, options.most or None)
        if fault.kind in (options.kind or KINDS)
    ]
    with get_context("spawn").Pool(options.processes) as pool:
        all_noticed = list(pool.imap_unordered(_noticed, jobs))
    for line in table(all_noticed):
        print(line)
    parted = [noticed for noticed in all_noticed if noticed.by_comparison and not noticed.by_tests]
    print(f"{len(parted)} part from the original, and pass the tests of their policy")
    for noticed in sorted(parted, key=lambda each: each.fault.where)[:SHOWN]:
        print(f"  {noticed.fault.kind}: {noticed.fault.where}")
    print(f"{time.monotonic() - started:.0f} seconds in {options.processes} processes")
    missed = [noticed for noticed in all_noticed if noticed.missed]
    for noticed in missed:
        print(f"missed: {noticed.fault.kind}: {noticed.fault.where}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
