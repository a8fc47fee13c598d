"""Ground programs: what clingo's grounder makes of a policy version, as plain data.

A ground policy has no cycles, so it is a circuit: given every fact, each atom is true or false in
one way only. Being data, it can be made in a process that may be killed, sent over a pipe, read
into any number of solvers, and walked through.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

Term: TypeAlias = int | str
Atom: TypeAlias = tuple[Term, ...]
"""The name of a predicate, then its arguments; constants and strings are both str."""
ASKED = frozenset({"yes", "includes", "is", "reaches"})
"""The predicates by which a program asks for the facts of a case."""
SAID = frozenset({"outcome", "answer"})
"""The predicates that say what a patient gets."""
IMPOSSIBLE = "impossible"
"""The predicate that rules patients out."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One ground rule over numbered atoms; a negative number in the body is a negated atom.

    The head holds if every literal of the body does; with a `bound`, if at least that many do. A
    rule without a head forbids its body. The head of a choice is free when its body holds.
    """

    choice: bool
    head: tuple[int, ...]
    body: tuple[int, ...]
    bound: int | None = None

    @property
    def is_literal(self) -> bool:
        """Whether the head holds where the one literal of the body does."""
        return len(self.body) == 1 and self.bound in (None, 1)


class Derived(NamedTuple):
    """An atom that rules derive side by side.

    `unless` are the negations of the literals that derive it alone; `bodies` are those of the other
    rules, with their bounds. `literals` are all of these in a row, and `shape` says how to divide
    them: where both are the same, so is what is derived.
    """

    atom: int
    unless: tuple[int, ...]
    bodies: tuple[tuple[tuple[int, ...], int | None], ...]
    shape: tuple[int | None, ...]
    literals: tuple[int, ...]


@dataclass(frozen=True)
class GroundProgram:
    """The rules of one policy version, the numbers of its atoms, and the atoms always true."""

    rules: tuple[Rule, ...]
    atoms: Mapping[Atom, int]
    facts: frozenset[Atom]

    @cached_property
    def definitions(self) -> Mapping[int, Sequence[Rule]]:
        """The rules by which each atom is derived; those that leave their head free are left out."""
        found: dict[int, list[Rule]] = {}
        for rule in self.rules:
            for head in rule.head if not rule.choice else ():
                found.setdefault(head, []).append(rule)
        return found

    @cached_property
    def aliases(self) -> Mapping[int, int]:
        """The atoms that hold just where one literal does, each with the literal that is no alias."""
        same = {
            atom: rules[0].body[0]
            for atom, rules in self.definitions.items()
            if len(rules) == 1 and rules[0].is_literal
        }

        def own(literal: int) -> int:
            while abs(literal) in same:
                literal = same[literal] if literal > 0 else -same[-literal]
            return literal

        return {atom: own(literal) for atom, literal in same.items()}

    @cached_property
    def derivations(self) -> Sequence["Derived"]:
        """The atoms that rules derive, without aliases, in the order of the rules (`in_order`)."""
        aliases = self.aliases

        def own(literal: int) -> int:
            alias = aliases.get(abs(literal), abs(literal))
            return alias if literal > 0 else -alias

        derived = [
            (rule.head[0], rule)
            for rule in self.rules
            if rule.head and not rule.choice and rule.head[0] not in aliases
        ]
        found = []
        for atom, group in groupby(derived, itemgetter(0)):
            rules = [rule for _, rule in group]
            unless = tuple(-own(rule.body[0]) for rule in rules if rule.is_literal)
            others = (rule for rule in rules if not rule.is_literal)
            bodies = tuple((tuple(map(own, rule.body)), rule.bound) for rule in others)
            shape = (len(unless), *(part for body, bound in bodies for part in (len(body), bound)))
            literals = (*unless, *(part for body, _ in bodies for part in body))
            found.append(Derived(atom, unless, bodies, shape, literals))
        return tuple(found)

    @cached_property
    def asked(self) -> Mapping[Atom, int]:
        """The atoms by which the program asks for facts, with their numbers."""
        return {atom: number for atom, number in self.atoms.items() if atom[0] in ASKED}

    @cached_property
    def said(self) -> Mapping[Atom, tuple[int, ...]]:
        """What some patients get, without sections, and the literals of which one then holds.

        None of them is an alias. What every patient gets has none.
        """
        aliases = self.aliases
        found: dict[Atom, tuple[int, ...]] = {}
        for atom, number in self.atoms.items():
            if atom[0] in SAID:
                value = _value(atom)
                found[value] = *found.get(value, ()), aliases.get(number, number)
        return found | {_value(atom): () for atom in self.facts if atom[0] in SAID}

    @cached_property
    def ruling_out(self) -> tuple[int, ...]:
        """The literals of which none holds for a patient that there can be; none is an alias."""
        ruled_out = (number for atom, number in self.atoms.items() if atom[0] == IMPOSSIBLE)
        return tuple(self.aliases.get(number, number) for number in ruled_out)

    @cached_property
    def needs(self) -> Mapping[int, frozenset[int]]:
        """The atoms that the rules of each derived atom look at."""
        return {
            head: frozenset(abs(literal) for rule in rules for literal in rule.body)
            for head, rules in self.definitions.items()
        }

    @cached_property
    def order(self) -> tuple[int, ...]:
        """All atoms that rules look at or derive, each after those it needs.

        Raises CycleError if an atom depends on itself.
        """
        return tuple(TopologicalSorter(self.needs).static_order())

    def in_order(self, *first: Collection[str]) -> "GroundProgram":
        """Return the same with each rule after those it needs, those of an atom side by side.

        What some predicates need comes before the rest, group after group of them; rules that
        derive nothing come last. What it is indexed by to be folded is made at once: policies are
        loaded once and compared many times. Raises CycleError if an atom depends on itself.
        """
        groups: dict[int, int] = {}
        for group, predicates in enumerate(first):
            pending = [number for atom, number in self.atoms.items() if atom[0] in predicates]
            while pending:
                number = pending.pop()
                if number not in groups:
                    groups[number] = group
                    pending.extend(self.needs.get(number, ()))
        places = {atom: place for place, atom in enumerate(self.order)}

        def place(rule: Rule) -> tuple[int, int]:
            if rule.choice or not rule.head:
                return len(first) + 1, 0
            (head,) = rule.head
            return groups.get(head, len(first)), places[head]

        ordered = replace(self, rules=tuple(sorted(self.rules, key=place)))
        ordered.index()
        return ordered

    def index(self) -> None:
        """Make now what is made else when it is first asked for."""
        _ = self.derivations, self.asked, self.said, self.ruling_out

    def arguments(self, name: str) -> Iterator[Atom]:
        """Yield the arguments of the predicate's atoms that are always true, sorted."""
        return (atom[1:] for atom in self._stated.get(name, ()))

    def possible(self, name: str) -> Iterator[Atom]:
        """Yield the predicate's atoms that are true in some or all completions, sorted."""
        return iter(self._possible.get(name, ()))

    @cached_property
    def _stated(self) -> Mapping[Term, Sequence[Atom]]:
        return _by_predicate(self.facts)

    @cached_property
    def _possible(self) -> Mapping[Term, Sequence[Atom]]:
        return _by_predicate((*self.atoms, *self.facts))

    def cycle(self) -> tuple[Atom, ...] | None:
        """Return the named atoms of a cycle, or None if no atom depends on itself."""
        try:
            TopologicalSorter(self.needs).prepare()
        except CycleError as error:
            cycle: Sequence[int] = error.args[1]
            names = {number: atom for atom, number in self.atoms.items()}
            return tuple(names[number] for number in cycle if number in names)
        return None

    def to_json(self) -> dict[str, object]:
        """Return the JSON form, for a pipe."""
        return {
            "rules": [[rule.choice, rule.head, rule.body, rule.bound] for rule in self.rules],
            "atoms": [[atom, number] for atom, number in self.atoms.items()],
            "facts": list(self.facts),
        }

    @staticmethod
    def from_json(raw: Mapping[str, Sequence[Sequence[object]]]) -> "GroundProgram":
        """Read the JSON form. Raises TypeError or ValueError if it is not one."""
        return GroundProgram(
            rules=tuple(
                Rule(bool(choice), _numbers(head), _numbers(body), _bound(bound))
                for choice, head, body, bound in raw["rules"]
            ),
            atoms={_atom(atom): _number(number) for atom, number in raw["atoms"]},
            facts=frozenset(_atom(atom) for atom in raw["facts"]),
        )


def _value(atom: Atom) -> Atom:
    """Return what an atom answers, without the section that says so."""
    return atom if atom[0] == "outcome" else (atom[1], *atom[3:])


def _number(raw: object) -> int:
    if not isinstance(raw, int):
        raise TypeError(raw)
    return raw


def _numbers(raw: object) -> tuple[int, ...]:
    if not isinstance(raw, list):
        raise TypeError(raw)
    return tuple(_number(number) for number in raw)


def _bound(raw: object) -> int | None:
    return None if raw is None else _number(raw)


def _atom(raw: object) -> Atom:
    if not isinstance(raw, list) or not all(isinstance(term, int | str) for term in raw):
        raise TypeError(raw)
    return tuple(raw)


def _by_predicate(atoms: Iterable[Atom]) -> Mapping[Term, Sequence[Atom]]:
    found: dict[Term, list[Atom]] = {}
    for atom in sorted(atoms, key=lambda atom: [str(part) for part in atom]):
        found.setdefault(atom[0], []).append(atom)
    return found
