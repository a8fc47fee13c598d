"""What explanations are said to be: values, changes, groups of changes, reasons."""

import re
from collections.abc import Iterable, Mapping
from itertools import product
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.determination import CriterionStatus, Determination, Outcome, Status
from engine.explanation import Change, Explanation, Move, Question, Reason, UnderReading
from engine.goals import Want
from facts.values import Bounds, Known, Members, OneOf, Truth
from facts.vocabulary import Changer, Kind
from policygrounds import KnowledgeBase
from queries.grouping import Group, group_changes, places_of
from queries.phrases import clause
from queries.wording import (
    MOST_REASONS,
    MOST_SHOWN,
    because,
    efforts,
    grounds,
    moved,
    other_changes,
    settles,
    standing,
    telling,
    wanted,
    way,
)

IMMUNOMODULATORS = ("lenalidomide", "pomalidomide", "thalidomide")
INHIBITORS = ("bortezomib", "carfilzomib", "ixazomib")


def members(add: Iterable[str] = (), remove: Iterable[str] = ()) -> Members:
    return Members(frozenset(add), frozenset(remove))


def change(
    facts: Mapping[str, Known],
    effort: Changer = Changer.DOCUMENT,
    *,
    alters: tuple[str, ...] = (),
    undoes: tuple[str, ...] = (),
) -> Change:
    establishes = tuple(name for name in facts if name not in alters)
    return Change(facts, effort, ("1.a",), establishes, alters, undoes)


def explanation(outcome: Outcome, want: Want | None = None, **parts: object) -> Explanation:
    answer = Determination(
        id="a case",
        policy="CP.PHAR.302",
        version="2025-08-01",
        version_status="published",
        on="2025-09-15",
        outcome=outcome,
        criteria=CriterionStatus("I.A", Status.UNKNOWN, "A criterion"),
    )
    return Explanation(determination=answer, want=want or Want(Outcome.APPROVE), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value", "said", "would"),
    [
        ("age", Bounds(18, 120), "the age at the request date is at least 18 years", None),
        ("age", Bounds(0, 17), "the age at the request date is at most 17 years", None),
        ("weekly_dose_mg", Bounds(0, 40), "the dose a week is at most 4 mg", None),
        ("weekly_dose_mg", Bounds(23, 40), "the dose a week is between 2.3 and 4 mg", None),
        ("cycle_days", Bounds(28, 28), "the length of a cycle is exactly 28 days", None),
        (
            "prior_lines",
            Bounds(2, 30),
            "there are at least 2 completed lines of therapy",
            "there would have to be at least 2 completed lines of therapy",
        ),
        ("prior_lines", Bounds(1, 30), "there is at least 1 completed line of therapy", None),
        ("prior_lines", Bounds(0, 0), "there are exactly 0 completed lines of therapy", None),
        (
            "days_to_progression",
            Bounds(0, 60),
            "there are at most 60 days from the end of the last therapy to progression",
            None,
        ),
        (
            "disease_state",
            OneOf(frozenset(["relapsed", "refractory"])),
            'the state of the disease is "Refractory" or "Relapsed"',
            'the state of the disease would have to be "Refractory" or "Relapsed"',
        ),
        (
            "t_11_14",
            Truth(value=True),
            '"Translocation t(11;14)" is true',
            '"Translocation t(11;14)" would have to be true',
        ),
        (
            "progression",
            Truth(value=False),
            '"Disease progression" is not true',
            '"Disease progression" would have to be false',
        ),
    ],
)
def test_a_value_is_said_as_a_clause_with_its_unit(
    kb: KnowledgeBase, name: str, value: Truth | Bounds | OneOf, said: str, would: str | None
) -> None:
    fact = kb.vocabulary.facts[name]
    assert clause(fact, value, kb.vocabulary) == said
    if would:
        assert clause(fact, value, kb.vocabulary, would=True) == would


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (members(["dexamethasone"]), "include dexamethasone"),
        (
            members(["lenalidomide", "dexamethasone"], ["venetoclax"]),
            "include dexamethasone and lenalidomide and are without venetoclax",
        ),
        (members([], ["bortezomib", "carfilzomib"]), "are without bortezomib or carfilzomib"),
    ],
)
def test_a_set_is_said_by_what_is_in_it_and_what_is_not(
    kb: KnowledgeBase, value: Members, said: str
) -> None:
    regimen = kb.vocabulary.facts["regimen"]
    assert clause(regimen, places_of(value), kb.vocabulary) == f"the drugs given together {said}"


@pytest.mark.parametrize(
    ("includes", "left", "said"),
    [
        (
            ["dexamethasone", "lenalidomide"],
            [],
            "are exactly dexamethasone and lenalidomide (no other drug)",
        ),
        (
            ["dexamethasone"],
            ["ixazomib"],
            "are exactly dexamethasone (no other drug, ixazomib aside)",
        ),
        ([], ["ixazomib"], "are without any drug but ixazomib"),
        ([], [], "are empty"),
    ],
)
def test_a_set_that_is_closed_is_said_to_be_exactly_its_members(
    kb: KnowledgeBase, includes: list[str], left: list[str], said: str
) -> None:
    regimen = kb.vocabulary.facts["regimen"]
    value = members(includes, set(regimen.values) - {*includes, *left})
    assert clause(regimen, places_of(value), kb.vocabulary) == f"the drugs given together {said}"


@pytest.mark.parametrize(
    ("facts", "alters", "undoes", "said"),
    [
        (
            {"dose_evidence": Truth(value=True)},
            (),
            (),
            ['To find out and document, if so: "Evidence for the dose submitted" is true.'],
        ),
        (
            {"age": Bounds(18, 120), "t_11_14": Truth(value=True)},
            (),
            (),
            [
                (
                    "To find out and document, if so: the age at the request date is at least 18 "
                    'years; "Translocation t(11;14)" is true.'
                )
            ],
        ),
        (
            {"responding": Truth(value=True)},
            ("responding",),
            (),
            [
                (
                    "If the record is incomplete, document that "
                    '"Responding positively to therapy" is true.'
                )
            ],
        ),
        (
            {"regimen": members(["dexamethasone"]), "weekly_dose_mg": Bounds(0, 40)},
            ("regimen", "weekly_dose_mg"),
            (),
            [
                (
                    "To prescribe: the drugs given together would have to include dexamethasone; "
                    "the dose a week would have to be at most 4 mg."
                )
            ],
        ),
        (
            {"prior_lines": Bounds(2, 30)},
            ("prior_lines",),
            (),
            ["After at least 2 completed lines of therapy."],
        ),
        (
            {"disease_state": OneOf(frozenset(["relapsed"]))},
            ("disease_state",),
            (),
            ['Once the state of the disease is "Relapsed".'],
        ),
        (
            {"prior_lines": Bounds(0, 0)},
            ("prior_lines",),
            ("prior_lines",),
            ["Only if the record is wrong: there are exactly 0 completed lines of therapy."],
        ),
        (
            {"prior_drugs": members(["bortezomib"], ["lenalidomide"])},
            ("prior_drugs",),
            ("prior_drugs",),
            [
                "Once the drugs in the completed lines include bortezomib.",
                (
                    "Only if the record is wrong: "
                    "the drugs in the completed lines are without lenalidomide."
                ),
            ],
        ),
        (
            {"age": Bounds(18, 120)},
            ("age",),
            (),
            ["Cannot be changed: the age at the request date would have to be at least 18 years."],
        ),
    ],
)
def test_a_change_is_said_by_what_it_takes(
    kb: KnowledgeBase,
    facts: dict[str, Known],
    alters: tuple[str, ...],
    undoes: tuple[str, ...],
    said: list[str],
) -> None:
    (group,) = group_changes([change(facts, alters=alters, undoes=undoes)], kb.vocabulary)
    assert [str(step) for step in way(group, kb.vocabulary).steps] == said


def test_nothing_invites_anyone_to_alter_the_truth(kb: KnowledgeBase) -> None:
    leads = re.compile(
        r"To find out and document, if so: |If the record is incomplete, document that "
        r"|To prescribe: .* would have to |After |Once |Only if the record is wrong: "
        r"|Cannot be changed: .* would have to "
    )
    for fact in kb.vocabulary.facts.values():
        examples: dict[Kind, list[Known]] = {
            Kind.BOOLEAN: [Truth(value=True), Truth(value=False)],
            Kind.NUMBER: [Bounds(fact.lowest + 1, fact.highest), Bounds(fact.lowest, fact.lowest)],
            Kind.CHOICE: [OneOf(frozenset([value])) for value in fact.values],
            Kind.SET: [members(fact.values[:1]), members([], fact.values[:2])],
        }
        for value, how in product(examples[fact.kind], range(3)):
            alters = (fact.name,) if how else ()
            undoes = (fact.name,) if how == 2 else ()
            stated = change({fact.name: value}, alters=alters, undoes=undoes)
            (group,) = group_changes([stated], kb.vocabulary)
            for step in way(group, kb.vocabulary).steps:
                assert leads.match(str(step)), step
                assert str(step).endswith(".")


def regimens(*combinations: Iterable[str]) -> list[Change]:
    return [
        change({"regimen": members(drugs)}, Changer.PRESCRIBE, alters=("regimen",))
        for drugs in combinations
    ]


def sentences(kb: KnowledgeBase, changes: list[Change]) -> list[str]:
    groups = group_changes(changes, kb.vocabulary)
    assert sum(len(group.changes) for group in groups) == len(changes)
    lead = "To prescribe: the drugs given together would have to include "
    return [
        str(way(group, kb.vocabulary).steps[0]).removeprefix(lead).removesuffix(".")
        for group in groups
    ]


def test_a_whole_class_of_drugs_is_said_as_one(kb: KnowledgeBase) -> None:
    assert sentences(kb, regimens(*([drug] for drug in IMMUNOMODULATORS))) == [
        "any immunomodulator: lenalidomide, pomalidomide, thalidomide"
    ]


def test_a_part_of_a_class_is_said_as_alternatives(kb: KnowledgeBase) -> None:
    changes = regimens(["lenalidomide"], ["dexamethasone"], ["pomalidomide"])
    assert sentences(kb, changes) == [
        "lenalidomide or pomalidomide (immunomodulators)",
        "dexamethasone",
    ]


def test_classes_at_two_places_are_said_as_one(kb: KnowledgeBase) -> None:
    pairs = regimens(*product(["dexamethasone"], IMMUNOMODULATORS, INHIBITORS))
    assert sentences(kb, pairs) == [
        (
            "dexamethasone, any proteasome inhibitor (bortezomib, carfilzomib, ixazomib) and any "
            "immunomodulator (lenalidomide, pomalidomide, thalidomide)"
        )
    ]
    (group,) = group_changes(pairs, kb.vocabulary)
    assert way(group, kb.vocabulary).alternatives == 9


def test_all_drugs_but_a_few_are_said_as_any_drug(kb: KnowledgeBase) -> None:
    drugs = sorted(kb.vocabulary.drugs)
    assert sentences(kb, regimens(*([drug] for drug in drugs))) == ["any drug"]
    some = [drug for drug in drugs if drug not in ("ixazomib", "rituximab")]
    assert sentences(kb, regimens(*([drug] for drug in some))) == [
        "any drug but ixazomib and rituximab"
    ]


def test_one_of_several_drugs_to_leave_out_is_not_said_as_all_of_them(kb: KnowledgeBase) -> None:
    changes = [
        change({"regimen": members([], [drug])}, Changer.PRESCRIBE, alters=("regimen",))
        for drug in ("bortezomib", "carfilzomib")
    ]
    (group,) = group_changes(changes, kb.vocabulary)
    assert [str(step) for step in way(group, kb.vocabulary).steps] == [
        (
            "To prescribe: the drugs given together would have to be without at least one of "
            "bortezomib and carfilzomib."
        )
    ]


def test_changes_that_differ_otherwise_stay_apart(kb: KnowledgeBase) -> None:
    one, other = regimens(["lenalidomide"], ["pomalidomide"])
    for apart in (
        change({"regimen": members(["pomalidomide"])}, Changer.PRESCRIBE),
        change({"prior_drugs": members(["pomalidomide"])}, Changer.PRESCRIBE, alters=("regimen",)),
        change(
            {"regimen": members(["pomalidomide"]), "prior_lines": Bounds(1, 30)},
            Changer.PRESCRIBE,
            alters=("regimen",),
        ),
    ):
        assert len(group_changes([one, apart], kb.vocabulary)) == 2
    assert len(group_changes([one, other], kb.vocabulary)) == 1


DRUGS = st.sampled_from([*IMMUNOMODULATORS, *INHIBITORS, "dexamethasone", "venetoclax"])


@given(
    st.lists(
        st.tuples(
            st.frozensets(DRUGS, max_size=3), st.frozensets(DRUGS, max_size=2), st.booleans()
        ).filter(lambda drawn: (drawn[0] or drawn[1]) and not drawn[0] & drawn[1]),
        unique=True,
        max_size=40,
    )
)
def test_groups_are_exactly_the_changes(
    kb: KnowledgeBase, drawn: list[tuple[frozenset[str], frozenset[str], bool]]
) -> None:
    changes = [
        change({"regimen": Members(add, remove)} | ({"t_11_14": Truth(value=True)} if also else {}))
        for add, remove, also in drawn
    ]
    groups = group_changes(changes, kb.vocabulary)
    grouped = [one for group in groups for one in group.changes]
    assert sorted(map(changes.index, grouped)) == list(range(len(changes)))
    for group in groups:
        assert {spelt(one) for one in group.changes} == set(spelt_out(group))
    assert groups == group_changes(changes, kb.vocabulary)


def spelt(one: Change) -> frozenset[tuple[bool, str]]:
    known = one.facts["regimen"]
    assert isinstance(known, Members)
    return frozenset(
        [*((True, drug) for drug in known.includes), *((False, drug) for drug in known.excludes)]
    )


def spelt_out(group: Group) -> list[frozenset[tuple[bool, str]]]:
    """Write all combinations of a group out, each of which must be there once."""
    places = group.values["regimen"]
    assert isinstance(places, tuple)
    combinations = [
        frozenset(combination)
        for combination in product(
            *([(place.adds, drug) for drug in place.members] for place in places)
        )
    ]
    assert len(set(combinations)) == len(combinations) == prod(len(p.members) for p in places)
    assert len(combinations) == len(group.changes)
    return combinations


def test_people_are_shown_the_first_groups_of_an_effort_and_how_many_more(
    kb: KnowledgeBase,
) -> None:
    changes = [change({"cycle_days": Bounds(days, days)}) for days in range(1, MOST_SHOWN + 4)]
    changes.append(change({"regimen": members(["dexamethasone"])}, Changer.PRESCRIBE))
    document, prescribe = efforts(changes, kb.vocabulary)
    assert (document.changer, len(document.ways)) == (Changer.DOCUMENT, MOST_SHOWN)
    assert document.more == "3 more ways; --json lists them all."
    assert (prescribe.heading, len(prescribe.ways), prescribe.more) == ("By prescribing", 1, "")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"reached": True}, "Approved already: nothing needs to change."),
        (
            {"reached": True, "want": Want(Outcome.APPROVE, {"months": "12"})},
            "The answer is approval for 12 months already: nothing needs to change.",
        ),
        (
            {"in_the_way": (("age",),)},
            (
                "No obtainable change leads to approval. In the way: the age at the request date, "
                "which cannot be changed."
            ),
        ),
        (
            {"in_the_way": (("age", "t_11_14"), ("diagnosis",)), "want": Want(Outcome.REFER)},
            (
                "No obtainable change leads to a referral. In the way: the age at the request date "
                "and the translocation t(11;14); or the diagnosis the drug is requested for, which "
                "cannot be changed."
            ),
        ),
        ({}, "No obtainable change leads to approval."),
        (
            {"limits": ("changes: stopped",)},
            "No change that leads to approval was found, but not all were looked at.",
        ),
        ({"changes": (change({"t_11_14": Truth(value=True)}),)}, None),
    ],
)
def test_that_nothing_needs_to_change_or_nothing_can_is_said_plainly(
    kb: KnowledgeBase, parts: dict[str, object], said: str | None
) -> None:
    want = parts.pop("want", None)
    assert want is None or isinstance(want, Want)
    assert standing(explanation(Outcome.DENY, want, **parts), kb.vocabulary) == said


@pytest.mark.parametrize(
    ("want", "said"),
    [
        ("approve", "approval"),
        ("refer, refer_to=CP.PMN.53", "a referral to CP.PMN.53"),
        ("basis=not_medically_necessary", "a denial on the basis not medically necessary"),
        ("months=none", "approval without a stated duration"),
        ("quantity=3", "approval for a quantity of 3"),
    ],
)
def test_what_is_wanted_is_said_in_words(want: str, said: str) -> None:
    assert wanted(Want.parse(want)) == said


def test_answers_that_lead_to_approval_are_not_said_twice() -> None:
    answer = change({"t_11_14": Truth(value=True)})
    other = change({"regimen": members(["dexamethasone"])}, Changer.PRESCRIBE)
    both = explanation(Outcome.PEND, changes=(answer, other), approve_if=(answer,))
    assert other_changes(both) == (other,)
    months = Want(Outcome.APPROVE, {"months": "12"})
    assert other_changes(
        explanation(Outcome.PEND, months, changes=(answer,), approve_if=(answer,))
    ) == (answer,)


def test_reasons_are_clauses_with_the_sections_and_how_many_more_there_are(
    kb: KnowledgeBase,
) -> None:
    reason = Reason({"age": Bounds(0, 17), "regimen": members(["dexamethasone"])}, ("I.A.3",))
    shown, more = grounds(explanation(Outcome.DENY, reasons=(reason,)), kb.vocabulary)
    assert [(ground.clauses, ground.sections) for ground in shown] == [
        (
            (
                "the age at the request date is at most 17 years",
                "the drugs given together include dexamethasone",
            ),
            ("I.A.3",),
        )
    ]
    assert more == ""
    many = explanation(Outcome.DENY, reasons=(reason,) * (MOST_REASONS + 1))
    assert because(many) == "Denied because of each of these, alone and whatever else is so:"
    shown, more = grounds(many, kb.vocabulary)
    assert (len(shown), more) == (MOST_REASONS, "1 more reason; --json lists them all.")


def test_reasons_of_few_facts_and_of_the_sections_that_apply_are_shown_first(
    kb: KnowledgeBase,
) -> None:
    adult, young = Bounds(18, 120), Bounds(0, 17)
    elsewhere = Reason({"age": adult, "responding": Truth(value=False)}, ("II.A.2",))
    here = Reason({"age": adult, "t_11_14": Truth(value=False)}, ("I.A",))
    alone = Reason({"age": young}, ("II.A.2",))
    shown, _ = grounds(explanation(Outcome.DENY, reasons=(elsewhere, here, alone)), kb.vocabulary)
    assert [ground.sections for ground in shown] == [("II.A.2",), ("I.A",), ("II.A.2",)]
    assert [len(ground.clauses) for ground in shown] == [1, 2, 2]


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.604, "60%"), (1.0, "100%"), (0.004, "less than 1%"), (0.0, "less than 1%")],
)
def test_a_question_says_how_much_it_is_expected_to_settle(share: float, said: str) -> None:
    assert settles(Question("age", "How old?", share)) == (
        f"Expected to settle {said} of what is open."
    )


def test_criteria_that_stand_otherwise_are_said_together() -> None:
    moves = [
        Move("1", "", Status.MET, Status.NOT_MET),
        Move("2", "", None, Status.UNKNOWN),
        Move("3", "", Status.MET, Status.NOT_MET),
        Move("4", "", Status.MET, None),
    ]
    assert moved(moves) == (
        "not met instead of met: 1, 3",
        "unknown instead of not looked at: 2",
        "not looked at instead of met: 4",
    )


def test_readings_that_change_nothing_are_only_named() -> None:
    def under(name: str, choice: str, outcome: Outcome, *moves: Move) -> UnderReading:
        return UnderReading(name, ("1",), "?", choice, "", choice == "a", outcome, moves)

    move = Move("1", "", Status.MET, Status.UNKNOWN)
    readings = [
        under("idle", "a", Outcome.PEND),
        under("idle", "b", Outcome.PEND),
        under("moves", "a", Outcome.PEND),
        under("moves", "b", Outcome.PEND, move),
        under("turns", "a", Outcome.PEND),
        under("turns", "b", Outcome.DENY),
    ]
    shown, others = telling(readings, Outcome.PEND)
    assert [(reading.name, reading.choice) for reading in shown] == [
        ("moves", "a"),
        ("moves", "b"),
        ("turns", "a"),
        ("turns", "b"),
    ]
    assert others == ("idle",)
