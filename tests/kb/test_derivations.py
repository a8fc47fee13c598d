"""The rules of derivation: nothing in them is misspelt, and what they cite is there."""

import re
from pathlib import Path

import clingo
import pytest

import engine.derivation
import kb as packaged
from engine.derivation import Deriver
from engine.references import statements
from facts.vocabulary import Kind
from policygrounds import KnowledgeBase

FILES = sorted((packaged.FOLDER / "derivations").glob("*.lp"))
INTAKE = Path(engine.derivation.__file__).parent / "encodings" / "records.lp"
KINDS = {
    "derives_yes": {Kind.BOOLEAN},
    "derives_no": {Kind.BOOLEAN},
    "derives_at_least": {Kind.NUMBER},
    "derives_at_most": {Kind.NUMBER},
    "derives_only": {Kind.CHOICE},
    "derives_not": {Kind.CHOICE},
    "derives_member": {Kind.SET},
    "derives_no_member": {Kind.SET},
}


class Nothing:
    """Hands over no records."""

    def __getattr__(self, name: str) -> object:
        return list


@pytest.fixture(scope="module")
def deriver(kb: KnowledgeBase) -> Deriver:
    return kb._library.deriver


def rules() -> str:
    return "\n".join(re.sub(r"%.*", "", file.read_text()) for file in FILES)


def test_no_rule_reads_what_nothing_defines() -> None:
    messages: list[str] = []
    control = clingo.Control(["--warn=all"], logger=lambda _, text: messages.append(text))
    control.add("base", [], "\n".join(file.read_text() for file in (INTAKE, *FILES)))
    control.ground([("base", [])], context=Nothing())
    assert messages == []


def test_every_conclusion_is_of_a_fact_of_its_kind_with_a_named_and_cited_rule(
    kb: KnowledgeBase, deriver: Deriver
) -> None:
    heads = re.findall(r"^(derives_\w+)\((\w+), (\w+)", rules(), re.MULTILINE)
    assert len(heads) > 40
    for predicate, rule, fact in heads:
        assert kb.vocabulary.facts[fact].kind in KINDS[predicate]
        assert deriver._used[rule].sources
        assert f"rests_on({rule}, {fact}, " in rules()


def test_every_section_cited_is_stated(kb: KnowledgeBase, deriver: Deriver) -> None:
    stated = {number: set(policy.versions[-1].texts) for number, policy in kb.policies.items()} | {
        name: set(statements(reference.versions[-1]))
        for name, reference in kb._library.references.items()
    }
    for rule in deriver._used.values():
        for source in rule.sources:
            assert source.section in stated[source.document]


def test_every_section_a_rule_names_is_stated(kb: KnowledgeBase) -> None:
    sections = set(statements(kb._library.references["IMWG response criteria"].versions[-1]))
    texts = set(re.findall(r'rule\(\w+, "([^"]+)"', rules()))
    words = {text for file in FILES for text in re.findall(r'"([^"]+)"', file.read_text())}
    used = {
        text
        for text in words
        if re.match(
            r"(Progressive|Partial|Minimal|Very good|Complete|Measurable|Refractory|Line)\b", text
        )
    }
    assert {"Progressive disease", "Measurable disease"} <= used
    titles = set(re.findall(r'(?:word|analyte)\([^"]*"([^"]+)"', rules()))
    assert used - titles - texts <= sections


def test_units_and_thresholds_of_references_meet(kb: KnowledgeBase, deriver: Deriver) -> None:
    """Every threshold of what can be on record is counted in steps."""
    measured = {str(shown) for _, shown, _ in deriver._program.of("analyte")}
    scaled = {(str(name), str(unit)) for name, unit, _ in deriver._program.of("scale")}
    for reference in kb._library.references.values():
        for version in reference.versions:
            for _, _, measurement, change, _, _, unit in version.program.arguments("threshold"):
                if measurement in measured and not str(change).startswith("percent_"):
                    assert (measurement, unit) in scaled


def test_what_records_show_is_what_references_measure(kb: KnowledgeBase, deriver: Deriver) -> None:
    known = {str(name) for (name, _) in kb._library.words.arguments("measurement")}
    parts = {"kappa_free_light_chain", "lambda_free_light_chain"}
    assert {str(shown) for _, shown, _ in deriver._program.of("analyte")} - parts <= known
