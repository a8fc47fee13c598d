"""Relations on routes, grounds, changes and findings, against cases decided one by one."""

from itertools import pairwise
from pathlib import Path

import pytest
from related import rows_of

from engine.determination import Determination, Outcome
from engine.relation import Value
from engine.relations.database import Relations
from engine.relations.statements import Patients, Text
from facts.case import read_facts
from facts.values import Known
from policygrounds import Case, KnowledgeBase

CENTENE, FEP, EXAMPLE = "CP.PHAR.302", "5.21.071", "EX-101"
NOW, TODAY = "2025-08-01", "2026-02-01"
POMALIDOMIDE = "dexamethasone + ixazomib + pomalidomide"


def as_facts(database: Relations) -> dict[str, dict[str, object]]:
    """Read the facts of each route back from its rows, in the form that cases have."""
    found: dict[str, dict[str, object]] = {str(row[2]): {} for row in database.rows("route")}
    rows = [*database.rows("needs_value"), *database.rows("needs_number")]
    for _, route, fact, comparison, value in sorted(rows, key=str):
        facts = found[str(route)]
        if comparison in ("includes", "excludes"):
            members = facts.setdefault(str(fact), {"includes": [], "excludes": []})
            assert isinstance(members, dict)
            members[comparison].append(value)
        elif comparison == "one_of":
            values = facts.setdefault(str(fact), {"one_of": []})
            assert isinstance(values, dict)
            values["one_of"].append(value)
        elif comparison in ("at_least", "at_most"):
            ends = facts.setdefault(str(fact), {})
            assert isinstance(ends, dict)
            ends[comparison] = value
        elif isinstance(value, str):
            assert comparison == "is"
            facts[str(fact)] = {"true": True, "false": False}.get(value, value)
    return found


@pytest.fixture(scope="module")
def route_facts(database: Relations) -> dict[str, dict[str, object]]:
    return as_facts(database)


def decided(kb: KnowledgeBase, policy: Value, facts: dict[str, object]) -> Determination:
    return kb.determine(Case(policy=str(policy), on=TODAY, facts=facts))


@pytest.fixture(scope="module")
def answers(
    kb: KnowledgeBase, database: Relations, route_facts: dict[str, dict[str, object]]
) -> dict[str, Determination]:
    """Decide for each route a case that states what the route needs, and nothing else."""
    return {
        str(route): decided(kb, policy, route_facts[str(route)])
        for policy, _, route, _ in database.rows("route")
    }


def ended(kb: KnowledgeBase, policy: Value, facts: dict[str, object]) -> Outcome:
    """Decide as `decided` does, and say the outcome alone."""
    return kb.outcome(Case(policy=str(policy), on=TODAY, facts=facts))


def with_one_more(facts: dict[str, object], fact: str, value: object) -> dict[str, object]:
    return {**facts, fact: value}


# Routes


def test_the_question_of_the_issue_finds_the_routes_that_need_pomalidomide(
    database: Relations,
) -> None:
    found = {
        (policy, route)
        for policy, route, diagnosis in database.rows("approves")
        if diagnosis == "multiple_myeloma"
        and (route, "pomalidomide") in database.rows("contains")
        and (policy, route, "t_11_14") not in database.rows("needs")
    }
    assert found
    assert {policy for policy, _ in found} == {CENTENE}


def test_routes_are_those_that_the_knowledge_base_finds(
    kb: KnowledgeBase, database: Relations
) -> None:
    counted = {
        (policy, outcome): len(kb.routes(policy, on=TODAY, outcome=outcome))
        for policy in kb.policies
        for outcome in ("approve", "deny")
    }
    for (policy, outcome), number in counted.items():
        version = kb.policies[policy].version(TODAY).start
        names = {
            route for route, said in rows_of(database, "route", policy, version) if said == outcome
        }
        assert names == {f"{policy}:{outcome}:{place}" for place in range(1, number + 1)}


def test_whoever_has_what_a_route_needs_gets_its_outcome_whatever_else_is_open(
    database: Relations, answers: dict[str, Determination]
) -> None:
    for _, version, route, outcome in database.rows("route"):
        answer = answers[str(route)]
        assert (answer.version, answer.outcome) == (version, outcome), route


def test_parts_of_the_answers_of_a_route_are_those_that_cases_get(
    database: Relations, answers: dict[str, Determination]
) -> None:
    months: dict[str, set[Value]] = {}
    for _, route, number in database.rows("authorizes"):
        months.setdefault(str(route), set()).add(number)
    parts: dict[tuple[str, str], set[Value]] = {}
    for _, route, part, value in database.rows("answers"):
        parts.setdefault((str(route), str(part)), set()).add(value)
    for route, answer in answers.items():
        assert months.get(route, set()) == {
            number for number in answer.authorization.months if number is not None
        }
        assert parts.get((route, "basis"), set()) == set(answer.basis)
        assert parts.get((route, "refer_to"), set()) == set(answer.refer_to)


def test_a_route_approves_the_diagnoses_that_some_of_its_patients_have(
    kb: KnowledgeBase, database: Relations, route_facts: dict[str, dict[str, object]]
) -> None:
    approves = database.rows("approves")
    for policy, _, name, outcome in database.rows("route"):
        facts = route_facts[str(name)]
        for diagnosis in kb.vocabulary.diagnoses:
            given = facts.get("diagnosis", diagnosis)
            allowed = given["one_of"] if isinstance(given, dict) else [given]
            if outcome != "approve" or diagnosis not in allowed:
                assert (policy, name, diagnosis) not in approves
                continue
            answer = decided(kb, policy, with_one_more(facts, "diagnosis", diagnosis))
            there = answer.outcome is Outcome.APPROVE
            assert there == ((policy, name, diagnosis) in approves)


def test_a_route_that_leaves_the_diagnosis_open_approves_each(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "open.lp").write_text(
        """
policy("X-1", "Payer", ixazomib, "Ixazomib").
source("X-1", "Invented").
version("X-1", "2024-01-01", open, published, "First.").
criterion("X-1", "1", "Adult").
pathway("X-1", "1").
applies("X-1", "1") :- is(request, initial).
met("X-1", "1") :- at_least(age, 18).
provision("X-1", "2", "All else").
denies("X-1", "2", not_medically_necessary) :- not approved("X-1").
"""
    )
    base = KnowledgeBase.load(folder.parent)
    found = base.relations(on=TODAY)
    assert found.rows("approves") == {
        ("X-1", "X-1:approve:1", diagnosis) for diagnosis in base.vocabulary.diagnoses
    }
    assert rows_of(found, "needs", "X-1", "X-1:approve:1") == {("age",), ("request",)}


def test_without_a_fact_it_needs_a_route_to_approval_settles_nothing(
    kb: KnowledgeBase, database: Relations, route_facts: dict[str, dict[str, object]]
) -> None:
    named = {
        (policy, route)
        for policy, _, route, outcome in database.rows("route")
        if outcome == "approve"
    }
    for policy, route in sorted(named, key=str)[::8]:
        facts = route_facts[str(route)]
        needed = {fact for (fact,) in rows_of(database, "needs", policy, route)}
        assert needed == facts.keys()
        for fact in needed:
            rest = {name: value for name, value in facts.items() if name != fact}
            assert ended(kb, policy, rest) is not Outcome.APPROVE, (route, fact)


def test_a_regimen_without_a_drug_that_a_route_contains_is_not_approved_by_it(
    kb: KnowledgeBase, database: Relations, route_facts: dict[str, dict[str, object]]
) -> None:
    approving = {row[2]: row[0] for row in database.rows("route") if row[3] == "approve"}
    for route, drug in database.rows("contains"):
        if route in approving:
            facts = route_facts[str(route)]
            regimen = facts["regimen"]
            assert isinstance(regimen, dict)
            assert drug in regimen["includes"]
            rest = [each for each in regimen["includes"] if each != drug]
            without = {"includes": rest, "excludes": regimen["excludes"]}
            open_again = with_one_more(facts, "regimen", without)
            assert ended(kb, approving[route], open_again) is not Outcome.APPROVE


def test_a_regimen_that_a_route_covers_is_approved_with_what_else_it_needs(
    kb: KnowledgeBase, database: Relations, route_facts: dict[str, dict[str, object]]
) -> None:
    covers = database.rows("covers")
    regimens: dict[str, set[str]] = {}
    for regimen, drug in database.rows("regimen"):
        regimens.setdefault(str(regimen), set()).add(str(drug))
    for policy, _, route, outcome in database.rows("route"):
        facts = route_facts[str(route)]
        regimen_facts = facts.get("regimen", {"includes": [], "excludes": []})
        assert isinstance(regimen_facts, dict)
        for regimen, drugs in regimens.items():
            fits = drugs.issuperset(regimen_facts["includes"]) and drugs.isdisjoint(
                regimen_facts["excludes"]
            )
            assert ((policy, route, regimen) in covers) == (fits and outcome == "approve")
            if fits and outcome == "approve":
                exactly = with_one_more(facts, "regimen", sorted(drugs))
                assert ended(kb, policy, exactly) is Outcome.APPROVE


def test_who_covers_a_regimen_is_answered_also_where_a_policy_does_not_name_it(
    database: Relations,
) -> None:
    payers = {policy for policy, _, regimen in database.rows("covers") if regimen == POMALIDOMIDE}
    assert payers == {FEP, CENTENE}


def test_a_reading_chosen_otherwise_gives_other_routes(kb: KnowledgeBase) -> None:
    """Read as dexamethasone alone, the FEP policy covers no triplet."""
    closed = kb.relations(on=TODAY, readings={f"{FEP}:in_combination_with": "exactly"})
    covered = {regimen for policy, _, regimen in closed.rows("covers") if policy == FEP}
    assert covered == {"dexamethasone + ixazomib"}
    assert POMALIDOMIDE in {row[2] for row in closed.rows("covers") if row[0] == CENTENE}


def known(kb: KnowledgeBase, facts: dict[str, object]) -> dict[str, Known]:
    found, problems = read_facts(Case(policy=FEP, facts=facts), kb.vocabulary)
    assert not problems
    return found


def test_evidence_for_a_route_is_what_speaks_of_some_of_its_patients(
    kb: KnowledgeBase, database: Relations, route_facts: dict[str, dict[str, object]]
) -> None:
    """The reference's own program is asked for a patient here, not a circuit shared with the policy."""
    references = {
        name: (reference, reference.version(TODAY))
        for name, reference in kb._library.references.items()
    }
    searches = {
        name: Patients(Text(name, "ixazomib", version, {}, kb.vocabulary))
        for name, (_, version) in references.items()
        if version is not None
    }
    for relation, statement, kinds in (
        ("supported_by", "supports", {"label", "guideline"}),
        ("limited_by", "limits", {"label"}),
    ):
        rows = database.rows(relation)
        for policy, _, route, _ in sorted(database.rows("route"), key=str)[::4]:
            given = known(kb, route_facts[str(route)])
            for name, (reference, version) in references.items():
                if version is None:
                    continue
                search = searches[name]
                literals = [
                    literal
                    for fact in given
                    for literal in search._inputs.literals(fact, given[fact])
                ]
                for atom in version.program.possible(statement):
                    there = reference.kind in kinds and search._solver.satisfiable(
                        [*search._always, *literals, search._solver.literal(atom)]
                    )
                    assert there == ((policy, route, name, atom[2]) in rows), (route, atom)


# Grounds


MM = "NCCN Multiple Myeloma"
RESTS = {
    ("I.A.5.a", MM): {"Cyclophosphamide and dexamethasone", "Lenalidomide and dexamethasone"},
    ("I.A.5.c", MM): {"Venetoclax and dexamethasone"},
    ("I.B.4.b", "NCCN Systemic Light Chain Amyloidosis"): {"Lenalidomide and dexamethasone"},
    ("I.C.4", "NCCN Waldenstrom Macroglobulinemia"): {"Rituximab and dexamethasone"},
    ("I.A.5.b (refractory)", MM): {
        "Pomalidomide and dexamethasone.Anti-CD38 refractory",
        "Pomalidomide and dexamethasone.Lenalidomide refractory",
    },
}


@pytest.mark.parametrize(("section", "guideline"), RESTS)
def test_a_criterion_rests_on_the_statements_that_ask_all_it_asks(
    database: Relations, section: str, guideline: str
) -> None:
    found = rows_of(database, "rests_on", CENTENE, NOW, section, guideline)
    assert {cited for (cited,) in found} == RESTS[section, guideline]


def test_no_guideline_asks_for_an_adult_or_a_specialist(database: Relations) -> None:
    for section in ("I.A.2", "I.A.3", "I.B.2", "I.C.3"):
        assert not rows_of(database, "rests_on", CENTENE, NOW, section)


def test_the_label_asks_for_the_prior_therapy_that_both_policies_ask_for(
    database: Relations,
) -> None:
    label = "Ninlaro label", "Indication"
    assert label in rows_of(database, "rests_on", CENTENE, NOW, "I.A.4")
    assert label in rows_of(database, "rests_on", FEP, "2024-01-01", "Prior-Approval.a")


# Changes


def test_changes_are_those_that_a_comparison_of_the_versions_finds(
    kb: KnowledgeBase, database: Relations, example_kb: KnowledgeBase, example: Relations
) -> None:
    for base, of in ((kb, database), (example_kb, example)):
        sections, moves = set(), set()
        for policy in base.policies.values():
            starts = [version.start for version in policy.versions]
            for earlier, later in pairwise(starts):
                found = base.diff(policy.number, earlier, later)
                where = policy.number, earlier, later
                sections |= {(*where, each.section, each.change.value) for each in found.sections}
                moves |= {
                    (*where, each.first, each.second)
                    for each in found.differences
                    if each.part == "outcome"
                }
        assert of.rows("changed") == sections
        assert of.rows("moves") == moves


def test_what_the_revision_log_says_was_added_or_removed_is_a_change(database: Relations) -> None:
    changed = {row[2:] for row in database.rows("changed") if row[0] == CENTENE}
    assert ("2023-08-01", "I.A.5 (dexamethasone alone)", "removed") in changed
    assert ("2024-08-01", "I.A.5.c", "added") in changed
    assert ("2025-08-01", "I.A.5.d", "added") in changed
    assert ("2025-08-01", "I.A.5.b", "altered") in changed


# Findings and readings


def test_findings_are_those_of_the_check_with_what_is_accepted(
    kb: KnowledgeBase, database: Relations
) -> None:
    for policy in kb.policies:
        found = kb.check(policy, on=TODAY)
        accepted = kb.accepted(policy)
        assert {row[1] for row in rows_of(database, "finding", policy)} == {f.id for f in found}
        assert rows_of(database, "finding_section", policy) == {
            (each.id, section) for each in found for section in each.sections
        }
        assert rows_of(database, "accepted", policy) == {
            (each.id, accepted[each.id].reason, accepted[each.id].date)
            for each in found
            if each.id in accepted
        }


def test_readings_decide_what_the_check_says_they_move(
    kb: KnowledgeBase, database: Relations
) -> None:
    for policy in kb.policies:
        said = set()
        for finding in kb.check(policy, on=TODAY):
            if finding.kind == "reading-decides":
                reading, _, choice = finding.subject.partition("=")
                for witness in finding.witnesses:
                    before, _, after = witness.shows.partition(" to ")
                    if before in ("approve", "refer", "deny"):
                        said.add((finding.version, reading, choice, before, after))
        assert rows_of(database, "decides", policy) == said
        assert said
