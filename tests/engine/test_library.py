"""A small generated library: loaded, checked, compared; verdicts held against other provers."""

import random
from itertools import combinations, product
from pathlib import Path

import pytest
from families import Pair, write_library
from provers import MISSING, by_clingo, by_sat, by_z3

from engine.analysis.analyst import Analyst
from engine.analysis.difference import Verdict
from engine.inputs import Inputs
from policygrounds import KnowledgeBase

POLICIES, PAIRS = 20, 30


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[KnowledgeBase, list[Pair]]:
    folder = tmp_path_factory.mktemp("library")
    pairs = write_library(folder, 2, POLICIES // 2, PAIRS // 2, 1)
    return KnowledgeBase.load(folder), pairs


def equivalent(kb: KnowledgeBase, pairs: list[Pair]) -> list[bool]:
    analyst = Analyst(kb.vocabulary, kb.policies, {})
    stated = {number: (policy, policy.versions[-1]) for number, policy in kb.policies.items()}
    return [analyst.equivalent(stated[pair.first], stated[pair.second], {}, {}) for pair in pairs]


def test_the_library_is_as_it_was_asked_for(library: tuple[KnowledgeBase, list[Pair]]) -> None:
    kb, pairs = library
    assert (len(kb.policies), len(pairs)) == (POLICIES, PAIRS)
    assert all(
        kb.policies[pair.first].drug == kb.policies[pair.second].drug == pair.drug for pair in pairs
    )
    for policy in kb.policies.values():
        facts = Inputs(policy.versions[-1].program, kb.vocabulary.facts).of_fact
        assert 24 <= len(facts) <= 30


def test_the_same_seed_makes_the_same_library(tmp_path: Path) -> None:
    made = [write_library(tmp_path / name, 1, 5, 5, 7) for name in ("one", "other")]
    assert made[0] == made[1]
    for path in (tmp_path / "one").rglob("*.lp"):
        other = tmp_path / "other" / path.relative_to(tmp_path / "one")
        assert path.read_text() == other.read_text()


def test_every_policy_gives_exactly_one_outcome(
    library: tuple[KnowledgeBase, list[Pair]],
) -> None:
    kb, _ = library
    assert [kb.counterexample(number) for number in kb.policies] == [None] * POLICIES


def test_no_rule_comes_before_one_it_needs_and_what_answers_need_comes_first() -> None:
    for policy in KnowledgeBase.load().policies.values():
        for version in policy.versions:
            program = version.program
            derived = {head for rule in program.rules if not rule.choice for head in rule.head}
            seen: list[int] = []
            for rule in program.rules:
                if rule.choice or not rule.head:
                    continue
                if seen[-1:] != list(rule.head):
                    assert rule.head[0] not in seen
                    seen.append(rule.head[0])
                earlier = set(seen[:-1])
                assert {abs(part) for part in rule.body} & derived <= earlier
            answers = [n for atom, n in program.atoms.items() if atom[0] in ("outcome", "answer")]
            needed: set[int] = set()
            while answers:
                number = answers.pop()
                needed.add(number)
                answers += {*program.needs.get(number, ())} - needed
            assert set(seen[: len(needed & derived)]) == needed & derived


def test_copies_in_other_words_are_equivalent(library: tuple[KnowledgeBase, list[Pair]]) -> None:
    kb, pairs = library
    verdicts = equivalent(kb, pairs)
    assert sum(verdicts) >= 0.4 * PAIRS
    assert all(v for v, pair in zip(verdicts, pairs, strict=True) if pair.drawn == "same")


def test_the_quick_question_says_what_the_comparison_says(
    library: tuple[KnowledgeBase, list[Pair]],
) -> None:
    kb, pairs = library
    compared = [kb.compare(pair.first, pair.second) for pair in pairs]
    assert equivalent(kb, pairs) == [each.verdict is Verdict.EQUIVALENT for each in compared]


def test_a_call_of_clingo_for_each_pair_says_the_same(
    library: tuple[KnowledgeBase, list[Pair]],
) -> None:
    kb, pairs = library
    programs = {number: policy.versions[-1].program for number, policy in kb.policies.items()}
    asked = [by_clingo(programs[pair.first], programs[pair.second]) for pair in pairs]
    assert equivalent(kb, pairs) == asked


@pytest.mark.parametrize(("package", "prover"), [("z3-solver", by_z3), ("python-sat", by_sat)])
def test_other_provers_say_the_same(
    library: tuple[KnowledgeBase, list[Pair]], package: str, prover: object
) -> None:
    if package in MISSING:
        pytest.skip(f"{package} is not installed")
    kb, pairs = library
    assert callable(prover)
    programs = {number: policy.versions[-1].program for number, policy in kb.policies.items()}
    asked = [prover(programs[pair.first], programs[pair.second]) for pair in pairs]
    assert equivalent(kb, pairs) == asked


TRUTHS = ("progression", "dose_evidence", "label_changed_recently")
Tree = tuple[str, tuple["Tree", ...]]
"""A connective with its parts, or a fact without any."""


def drawn_tree(draw: random.Random, depth: int) -> Tree:
    kind = draw.choice(("all_of", "any_of", "none_of", "at_least_of", *TRUTHS))
    if kind in TRUTHS or depth == 2:
        return draw.choice(TRUTHS), ()
    return kind, tuple(drawn_tree(draw, depth + 1) for _ in range(draw.randint(2, 3)))


def is_met(tree: Tree, holds: dict[str, bool]) -> bool:
    kind, parts = tree
    if not parts:
        return holds[kind]
    met = sum(is_met(part, holds) for part in parts)
    return {
        "all_of": met == len(parts),
        "any_of": met > 0,
        "none_of": met == 0,
        "at_least_of": met >= 2,
    }[kind]


def written(number: str, section: str, tree: Tree) -> list[str]:
    kind, parts = tree
    lines = [f'criterion("{number}", "{section}", "Criterion {section}").']
    if not parts:
        return [*lines, f'met("{number}", "{section}") :- yes({kind}).']
    count = "2, " if kind == "at_least_of" else ""
    for place, part in enumerate(parts):
        lines.append(f'{kind}("{number}", "{section}", {count}"{section}.{place}").')
        lines += written(number, f"{section}.{place}", part)
    return lines


def test_equivalence_of_small_policies_is_that_of_their_truth_tables(tmp_path: Path) -> None:
    draw = random.Random(5)
    trees = {f"SMALL-{place:02}": drawn_tree(draw, 0) for place in range(24)}
    for number, tree in trees.items():
        lines = [
            f'policy("{number}", "Payer", ixazomib, "Small").',
            f'source("{number}", "Made for a test").',
            f'version("{number}", "2025-01-01", open, published, "First.").',
            f'pathway("{number}", "1").',
            f'applies("{number}", "1") :- is(request, initial).',
            f'provision("{number}", "2", "What is not approved").',
            f'denies("{number}", "2", investigational) :- not approved("{number}").',
            *written(number, "1", tree),
        ]
        (tmp_path / f"{number}.lp").write_text("\n".join(lines) + "\n", "ascii")
    kb = KnowledgeBase.load(tmp_path)
    pairs = [Pair("ixazomib", one, other, "small") for one, other in combinations(trees, 2)]
    cases = [dict(zip(TRUTHS, holds, strict=True)) for holds in product((False, True), repeat=3)]
    tables = {number: [is_met(tree, each) for each in cases] for number, tree in trees.items()}
    expected = [tables[pair.first] == tables[pair.second] for pair in pairs]
    assert equivalent(kb, pairs) == expected
    assert 5 < sum(expected) < len(pairs) - 5
