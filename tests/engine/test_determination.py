"""Properties of all determinations: agreement with the oracle, monotony, order, determinism."""

import json
import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import oracle
import pytest
import soak
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import VERSIONS

from policygrounds import Case, KnowledgeBase, Outcome

POLICIES = Path(__file__).parents[2] / "kb" / "policies"
SETTLED = {Outcome.APPROVE, Outcome.REFER, Outcome.DENY}


def answers(kb: KnowledgeBase, cases: list[Case]) -> list[str]:
    return [json.dumps(kb.determine(case).to_json()) for case in cases]


def random_cases(seed: str, count: int) -> list[Case]:
    """Draw complete and partial cases of every policy and version, by turns."""
    rng = random.Random(seed)
    return [random_case(rng, complete=number % 2 == 0) for number in range(count)]


def random_case(rng: random.Random, *, complete: bool) -> Case:
    policy = rng.choice(sorted(VERSIONS))
    facts = oracle.random_case(rng, policy, complete=complete, free_budget=2_000)
    return Case(id="random", policy=policy, on=rng.choice(VERSIONS[policy]), facts=facts)


# --- Strategies -----------------------------------------------------------------------------

POLICY_AND_DAY = st.sampled_from(
    [(policy, version) for policy in VERSIONS for version in VERSIONS[policy]]
)


def known_values(name: str) -> st.SearchStrategy[Any]:
    """Draw what may be known of a fact, in every form it can be stated in."""
    if name in oracle.BOOLEANS:
        return st.none() | st.booleans()
    if name in oracle.CHOICES:
        values = st.sampled_from(oracle.CHOICES[name])
        some = st.lists(values, min_size=1, unique=True)
        return st.none() | values | some.map(lambda chosen: {"one_of": chosen})
    if name in oracle.NUMBERS:
        numbers = st.sampled_from([oracle._json_number(cut) for cut in oracle._values(name, None)])
        ends = st.tuples(numbers, numbers).map(sorted)
        return (
            st.none()
            | numbers
            | ends.map(lambda pair: {"at_least": pair[0], "at_most": pair[1]})
            | numbers.map(lambda end: {"at_least": end})
            | numbers.map(lambda end: {"at_most": end})
        )
    drugs = st.lists(st.sampled_from(oracle.DRUGS), max_size=5, unique=True)
    parts = st.tuples(drugs, drugs).map(
        lambda both: {
            "includes": both[0],
            "excludes": [drug for drug in both[1] if drug not in both[0]],
        }
    )
    return st.none() | drugs | parts


FACTS = st.fixed_dictionaries({}, optional={name: known_values(name) for name in oracle.FACTS})
SEEDS = st.integers(min_value=0, max_value=2**32)


# --- Agreement with the oracle --------------------------------------------------------------


@pytest.fixture(scope="module")
def compared(kb: KnowledgeBase) -> soak.Comparison:
    return soak.compare(kb, seed="one", cases=600)


def test_the_engine_agrees_with_the_oracle_on_random_cases(compared: soak.Comparison) -> None:
    assert compared.counts["cases"] == 600
    assert compared.disagreements == []


def test_the_random_cases_come_to_every_end(compared: soak.Comparison) -> None:
    counts = compared.counts
    for kind in ("complete", "partial"):
        for outcome in ("approve", "refer", "deny", "contradiction"):
            assert counts[f"{kind} {outcome}"]
    assert counts["partial pend"]
    assert not counts["complete pend"]


def test_the_comparison_reports_a_disagreement(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An oracle that denies all it sees: the comparison must not take it."""
    denial = oracle.Answer("deny", "investigational", None, None, None)
    monkeypatch.setattr(oracle, "decide", lambda *_: denial)
    comparison = soak.compare(kb, seed="denied", cases=20)
    assert comparison.counts["disagreements"] == len(comparison.disagreements) > 0


# --- Learning and forgetting ----------------------------------------------------------------


def decided_case(rng: random.Random, wanted: str) -> Case:
    """Draw complete cases until the oracle gives one the outcome."""
    while True:
        case = random_case(rng, complete=True)
        if oracle.determination(case.policy, str(case.on), case.facts, {})[0] == wanted:
            return case


def forgetting(case: Case, forgotten: list[str]) -> Case:
    facts = {name: value for name, value in case.facts.items() if name not in forgotten}
    return Case(policy=case.policy, on=case.on, facts=facts)


@pytest.mark.parametrize("outcome", sorted(SETTLED))
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_forgetting_facts_leaves_the_outcome_or_a_pend(
    kb: KnowledgeBase, outcome: Outcome, seed: int
) -> None:
    rng = random.Random(seed)
    case = decided_case(rng, outcome)
    forgotten = rng.sample(sorted(case.facts), rng.randint(1, 6))
    found = kb.determine(forgetting(case, forgotten))
    assert found.outcome in {outcome, Outcome.PEND}
    assert outcome in found.possible


@pytest.mark.parametrize("outcome", sorted(SETTLED))
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_forgetting_any_one_fact_leaves_the_outcome_or_a_pend(
    kb: KnowledgeBase, outcome: Outcome, seed: int
) -> None:
    case = decided_case(random.Random(seed), outcome)
    for name in case.facts:
        assert kb.determine(forgetting(case, [name])).outcome in {outcome, Outcome.PEND}


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_learning_a_fact_never_turns_a_settled_outcome_into_another(
    kb: KnowledgeBase, seed: int
) -> None:
    rng = random.Random(seed)
    case = random_case(rng, complete=False)
    before = kb.determine(case)
    assume(before.outcome in SETTLED)
    name = rng.choice(sorted(oracle.FACTS))
    learned = {name: learned_value(rng, name, case.facts.get(name))}
    after = kb.determine(Case(policy=case.policy, on=case.on, facts={**case.facts, **learned}))
    contradicts = {problem.kind for problem in after.problems} == {"contradiction"}
    assert after.outcome is before.outcome or contradicts


def learned_value(rng: random.Random, name: str, known: object) -> object:
    """Draw a value that a partly known fact can turn out to have."""
    if name not in oracle.SETS:
        return rng.choice(oracle._values(name, known))
    inside, either_way = oracle._members(known)
    return sorted(inside | set(rng.sample(sorted(either_way), min(2, len(either_way)))))


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_learning_the_rest_of_a_case_leaves_one_of_the_outcomes_that_were_possible(
    kb: KnowledgeBase, seed: int
) -> None:
    rng = random.Random(seed)
    outcome = rng.choice(sorted(SETTLED))
    case = decided_case(rng, outcome)
    unknown = rng.sample(sorted(case.facts), len(case.facts))
    possible = {*SETTLED}
    for count in (36, 24, 12, 0):
        found = set(kb.determine(forgetting(case, unknown[:count])).possible)
        assert outcome in found <= possible
        possible = found


# --- Order and form -------------------------------------------------------------------------


def reordered(rng: random.Random, value: Any) -> Any:
    """Shuffle what has an order in JSON and none in meaning."""
    if isinstance(value, dict):
        keys = rng.sample(sorted(value), len(value))
        return {key: reordered(rng, value[key]) for key in keys}
    if isinstance(value, list):
        return rng.sample(value, len(value))
    return value


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_the_order_of_facts_and_members_changes_nothing(kb: KnowledgeBase, seed: int) -> None:
    rng = random.Random(seed)
    case = random_case(rng, complete=rng.random() < 0.5)
    other = Case(id=case.id, policy=case.policy, on=case.on, facts=reordered(rng, case.facts))
    assert answers(kb, [case]) == answers(kb, [other])


@settings(max_examples=20, deadline=None)
@given(where=POLICY_AND_DAY, facts=FACTS)
def test_a_case_survives_its_json_form(
    kb: KnowledgeBase, where: tuple[str, str], facts: dict[str, Any]
) -> None:
    policy, day = where
    case = Case(id="a", policy=policy, on=day, facts=facts)
    text = json.dumps({"id": "a", "policy": policy, "on": day, "facts": facts})
    read = Case.from_json(json.loads(text))
    assert read == case
    assert answers(kb, [read]) == answers(kb, [case])


@settings(max_examples=25, deadline=None)
@given(where=POLICY_AND_DAY, facts=FACTS)
def test_a_determination_survives_its_json_form(
    kb: KnowledgeBase, where: tuple[str, str], facts: dict[str, Any]
) -> None:
    policy, day = where
    answer = kb.determine(Case(policy=policy, on=day, facts=facts)).to_json()
    assert json.loads(json.dumps(answer)) == answer


@settings(max_examples=40, deadline=None)
@given(where=POLICY_AND_DAY, facts=FACTS)
def test_whatever_is_known_the_outcome_is_settled_exactly_if_one_is_possible(
    kb: KnowledgeBase, where: tuple[str, str], facts: dict[str, Any]
) -> None:
    policy, day = where
    found = kb.determine(Case(policy=policy, on=day, facts=facts))
    settled = (found.outcome,) if found.outcome in SETTLED else found.possible
    assert found.possible == settled
    assert bool(found.problems) == (not found.possible)
    assert (len(found.possible) == 1) == (found.outcome in SETTLED)


@settings(max_examples=20, deadline=None)
@given(where=POLICY_AND_DAY, facts=FACTS, name=st.sampled_from(oracle.FACTS))
def test_null_says_as_little_as_leaving_a_fact_out(
    kb: KnowledgeBase, where: tuple[str, str], facts: dict[str, Any], name: str
) -> None:
    policy, day = where
    without = {other: value for other, value in facts.items() if other != name}
    left_out, null = (
        Case(policy=policy, on=day, facts=stated) for stated in (without, {**without, name: None})
    )
    assert answers(kb, [left_out]) == answers(kb, [null])


def statements(text: str) -> list[str]:
    """Split a policy file into its statements; comments are left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("%")]
    return re.split(r"(?<=\.)\n", "\n".join(lines))


def test_the_order_of_files_and_of_their_statements_changes_nothing(
    kb: KnowledgeBase, tmp_path: Path
) -> None:
    rng = random.Random("statements")
    for place, file in enumerate(sorted(POLICIES.rglob("*.lp"), reverse=True)):
        stated = statements(file.read_text())
        shuffled = rng.sample(stated, len(stated))
        assert shuffled != stated
        (tmp_path / f"{place}.lp").write_text("\n".join(shuffled) + "\n")
    cases = random_cases("order of statements", 60)
    assert answers(KnowledgeBase.load(tmp_path), cases) == answers(kb, cases)


# --- Determinism ----------------------------------------------------------------------------


def test_two_knowledge_bases_give_identical_answers(kb: KnowledgeBase) -> None:
    cases = random_cases("two knowledge bases", 60)
    assert answers(KnowledgeBase.load(), cases) == answers(kb, cases)


def test_what_was_asked_before_changes_no_answer(kb: KnowledgeBase) -> None:
    cases = random_cases("asked before", 60)
    assert answers(kb, cases) == answers(kb, cases[::-1])[::-1]


def test_threads_that_share_a_knowledge_base_get_identical_answers(kb: KnowledgeBase) -> None:
    cases = random_cases("threads", 60)
    alone = answers(kb, cases)
    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(lambda order: answers(kb, order), (cases, cases[::-1]))
    assert one == alone
    assert other[::-1] == alone
