"""Faults seeded into a packaged policy are noticed: a slice of what benchmarks/seeded_faults.py does."""

import pytest
from seeded_faults import (
    KINDS,
    Original,
    alternatives,
    drawn,
    faults,
    listed,
    split,
    statements,
    table,
)

from engine.analysis.analyst import Analyst
from engine.analysis.difference import Verdict
from policygrounds import KnowledgeBase

FEP, CENTENE = "5.21.071", "CP.PHAR.302"


@pytest.fixture(scope="module")
def originals(kb: KnowledgeBase) -> dict[str, Original]:
    return {number: Original(number, kb) for number in (FEP, CENTENE)}


def test_a_text_is_read_statement_by_statement() -> None:
    text = 'a("x.", (b; c)). % not. this\nmet("P", "1") :- at_least(age, 18), not yes(a).\n'
    one, other = statements(text)
    assert (one.name, one.arguments, one.conditions) == ("a", ['"x."', "(b; c)"], [])
    assert (other.head, other.conditions) == ('met("P", "1")', ["at_least(age, 18)", "not yes(a)"])
    assert other.asking(0, "yes(b)") == 'met("P", "1") :- yes(b), not yes(a).'
    assert text[other.start : other.end] == other.text
    assert split('a, "b, c", (d, e)', ",") == ["a", '"b, c"', "(d, e)"]
    assert listed(alternatives("(b; c)")) == "(b; c)"


def test_every_kind_of_fault_fits_somewhere(originals: dict[str, Original]) -> None:
    made = {number: list(faults(original.source)) for number, original in originals.items()}
    assert {fault.kind for each in made.values() for fault in each} == set(KINDS)
    for number, several in made.items():
        assert len(several) > 100
        assert all(fault.text != originals[number].text for fault in several)


def test_the_original_parts_from_itself_in_no_patient(originals: dict[str, Original]) -> None:
    for original in originals.values():
        assert original.parting(original.policy) == []


def test_faults_are_noticed_or_proved_equivalent(originals: dict[str, Original]) -> None:
    original = originals[FEP]
    all_noticed = [original.noticed(fault) for fault in drawn(original.source, "slice", 1)[::3]]
    assert [noticed.fault.where for noticed in all_noticed if noticed.missed] == []
    for noticed in all_noticed:
        assert noticed.refused or noticed.by_comparison != noticed.equivalent, noticed.fault.where
        assert not (noticed.equivalent and noticed.by_tests), noticed.fault.where
    assert next(table(all_noticed)).split()[1:3] == ["mutants", "refused"]


def test_what_parts_by_the_defaults_is_compared_as_parting(originals: dict[str, Original]) -> None:
    original = originals[FEP]
    read = {name: reading.default for name, reading in original.policy.readings.items()}
    verdicts = set()
    for fault in drawn(original.source, "compared", 1)[::5]:
        mutant = original.loaded(fault)
        if mutant is None:
            continue
        policy = mutant.policy(FEP)
        analyst = Analyst(original.knowledge.vocabulary, {}, {})
        comparison = analyst.compare(
            (original.policy, original.policy.versions[-1]),
            (policy, policy.versions[-1]),
            read,
            read,
        )
        verdicts.add(comparison.verdict)
        if comparison.verdict is not Verdict.EQUIVALENT:
            assert original.parting(policy), fault.where
    assert len(verdicts) > 1
