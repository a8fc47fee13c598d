"""A ground program says the same through its index as rule by rule."""

import random
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice, product

import pytest

from engine.program import Atom, GroundProgram, Rule

INPUTS = 4


def random_program(rng: random.Random) -> GroundProgram:
    """Draw rules for atoms in random order, each from those with lower numbers; some with a bound."""
    rules = []
    for atom in range(INPUTS + 1, INPUTS + 9):
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            below = rng.choices(range(1, atom), k=rng.choice((0, 1, 1, 1, 2, 3)))
            body = tuple(rng.choice((-1, 1)) * part for part in below)
            bound = rng.choice((None, None, 0, 1, 2)) if body else None
            rules.append(Rule(False, (atom,), body, bound))  # noqa: FBT003
    rng.shuffle(rules)
    atoms: dict[Atom, int] = {("atom", number): number for number in range(1, INPUTS + 9)}
    return GroundProgram(tuple(rules), atoms, frozenset()).in_order({"atom"})


def named(program: GroundProgram, rng: random.Random) -> GroundProgram:
    """Give the atoms of a program names that ask, say or rule out; a few more always hold."""
    kinds: tuple[Atom, ...] = (
        ("outcome", "approve"),
        ("outcome", "deny"),
        ("answer", "route", "1.a", "first"),
        ("answer", "route", "1.b", "first"),
        ("answer", "months", "2", 6),
        ("impossible", "a"),
        ("impossible", "b"),
        ("met", "1"),
    )
    asked: list[Atom] = [("yes", f"fact {number}") for number in range(INPUTS)]
    names = dict(zip([*asked, *rng.sample(kinds, 8)], range(1, INPUTS + 9), strict=True))
    always = rng.sample((("answer", "route", "1.c", "first"), ("outcome", "pend"), ("met", "2")), 1)
    return replace(program, atoms=names, facts=frozenset(always)).in_order({"outcome"})


def by_rules(program: GroundProgram, given: Mapping[int, bool]) -> dict[int, bool]:
    """Derive every atom from the rules as they stand."""
    holds = dict(given)
    for atom in sorted(program.definitions):
        holds[atom] = any(
            sum(holds[abs(part)] == (part > 0) for part in rule.body)
            >= (len(rule.body) if rule.bound is None else rule.bound)
            for rule in program.definitions[atom]
        )
    return holds


@pytest.mark.parametrize("seed", range(60))
def test_aliases_and_derivations_say_what_the_rules_say(seed: int) -> None:
    program = random_program(random.Random(seed))
    for values in product((False, True), repeat=INPUTS):
        given = dict(enumerate(values, start=1))
        expected = by_rules(program, given)
        holds = dict(given)

        def literal(part: int, holds: dict[int, bool] = holds) -> bool:
            return holds[abs(part)] == (part > 0)

        for derived in program.derivations:
            holds[derived.atom] = any(not literal(part) for part in derived.unless) or any(
                sum(map(literal, body)) >= (len(body) if bound is None else bound)
                for body, bound in derived.bodies
            )
        for atom, same in program.aliases.items():
            assert atom not in holds
            assert literal(same) == expected[atom]
        assert all(expected[atom] == held for atom, held in holds.items())
        assert holds.keys() | program.aliases.keys() == expected.keys()


@pytest.mark.parametrize("seed", range(60))
def test_a_derivation_is_told_by_its_shape_and_literals(seed: int) -> None:
    for derived in random_program(random.Random(seed)).derivations:
        (alone, *sizes_and_bounds), literals = derived.shape, iter(derived.literals)
        assert tuple(islice(literals, alone)) == derived.unless
        for size, bound, body in zip(
            sizes_and_bounds[::2], sizes_and_bounds[1::2], derived.bodies, strict=True
        ):
            assert (tuple(islice(literals, size)), bound) == body
        assert not list(literals)


@pytest.mark.parametrize("seed", range(60))
def test_what_is_asked_and_said_is_what_the_named_atoms_ask_and_say(seed: int) -> None:
    rng = random.Random(seed)
    program = named(random_program(rng), rng)
    said: dict[Atom, list[Atom]] = {
        ("outcome", "approve"): [("outcome", "approve")],
        ("outcome", "deny"): [("outcome", "deny")],
        ("outcome", "pend"): [("outcome", "pend")],
        ("route", "first"): [("answer", "route", part, "first") for part in ("1.a", "1.b", "1.c")],
        ("months", 6): [("answer", "months", "2", 6)],
    }
    assert set(program.asked) == {("yes", f"fact {number}") for number in range(INPUTS)}
    for values in product((False, True), repeat=INPUTS):
        holds = by_rules(program, dict(enumerate(values, start=1)))

        def literal(part: int, holds: dict[int, bool] = holds) -> bool:
            return holds[abs(part)] == (part > 0)

        def atom(name: Atom, holds: dict[int, bool] = holds) -> bool:
            return name in program.facts or holds.get(program.atoms.get(name, 0), False)

        for value, sayings in said.items():
            literals = program.said.get(value)
            told = literals is not None and (not literals or any(map(literal, literals)))
            assert told == any(map(atom, sayings))
        ruled_out = atom(("impossible", "a")) or atom(("impossible", "b"))
        assert ruled_out == any(map(literal, program.ruling_out))
    assert program.said.keys() <= said.keys()


def test_some_of_the_programs_drawn_have_aliases_of_aliases() -> None:
    programs = [random_program(random.Random(seed)) for seed in range(60)]
    chained = [
        rule
        for program in programs
        for rule in program.rules
        if rule.head[0] in program.aliases and abs(rule.body[0]) in program.aliases
    ]
    assert len(chained) >= 10
