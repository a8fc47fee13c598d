"""What is said of policies with a fault each, and of two that part in one thing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.analysis import analyst
from engine.analysis.difference import Verdict
from engine.analysis.finding import Finding, FindingKind
from engine.analysis.regions import prime_region
from engine.analysis.subject import Population, Stated
from engine.determination import Outcome
from engine.solver import Budget
from facts.values import Bounds, OneOf, Truth
from policygrounds import KnowledgeBase
from queries.witnesses import unreplayed_findings, unreplayed_witnesses

PATHWAY = """
criterion("A", "1", "One"). pathway("A", "1"). applies("A", "1") :- yes(responding).
all_of("A", "1", "1.a").
criterion("A", "1.a", "Adult"). met("A", "1.a") :- at_least(age, 18).
"""
DENIED = """
provision("A", "D", "The rest is denied").
denies("A", "D", not_medically_necessary) :- not approved("A").
"""
GUIDELINE = """
reference("G", guideline, ixazomib, "Guideline"). source("G", "Invented").
version("G", "2020-01-01", open, published, "Invented.").
statement("G", "S", "For myeloma").
supports("G", "S") :- is(diagnosis, multiple_myeloma).
"""

Load = Callable[..., KnowledgeBase]


def head(number: str = "A") -> str:
    return (
        f'policy("{number}", "Nobody", ixazomib, "Invented"). source("{number}", "Invented").\n'
        f'version("{number}", "2024-01-01", open, published, "Invented.").\n'
    )


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load policies, by their number, and a reference or a vocabulary if there are any."""

    def loaded(*, references: str = "", vocabulary: str = "", **policies: str) -> KnowledgeBase:
        files = {f"policies/{number}": text for number, text in policies.items()}
        files |= {"references/G": references} if references else {}
        files |= {"vocabulary/own": vocabulary} if vocabulary else {}
        for name, text in files.items():
            path = tmp_path / f"{name}.lp"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return KnowledgeBase.load(tmp_path)

    return loaded


def ids(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.id.partition(":")[2] for finding in findings}


def of(findings: tuple[Finding, ...], kind: FindingKind) -> list[Finding]:
    return [finding for finding in findings if finding.kind is kind]


def renamed(text: str, number: str) -> str:
    return text.replace('"A"', f'"{number}"')


def test_a_policy_with_a_gap_is_held_against_a_guideline_too(load: Load) -> None:
    gap = DENIED.replace('not approved("A")', 'not approved("A"), yes(dose_evidence)')
    found = ids(load(A=head() + PATHWAY + gap, references=GUIDELINE).check("A"))
    assert {"no-outcome:none", "stricter-than-guideline:G S"} <= found


def test_a_reference_that_ended_before_a_version_began_is_not_held_against_it(load: Load) -> None:
    ended = GUIDELINE.replace('"2020-01-01", open', '"2020-01-01", "2021-01-01"')
    kinds = {f.kind for f in load(A=head() + PATHWAY + DENIED, references=ended).check("A")}
    assert FindingKind.UNSUPPORTED not in kinds
    assert FindingKind.STRICTER_THAN_GUIDELINE not in kinds


def test_uses_approved_and_denied_at_once_are_beyond_the_label_all_the_same(load: Load) -> None:
    label = GUIDELINE.replace("guideline", "label").replace("supports", "limits")
    both = 'denies("A", "D", investigational) :- is(diagnosis, multiple_myeloma).\n'
    found = load(A=head() + PATHWAY + DENIED + both, references=label).check("A")
    (beyond,) = of(found, FindingKind.BEYOND_LABEL)
    assert {witness.outcome for witness in beyond.witnesses} == {Outcome.PEND}


def test_a_pathway_that_nobody_comes_under_is_said_once(load: Load) -> None:
    closed = """
    criterion("A", "5", "Five"). pathway("A", "5").
    applies("A", "5") :- yes(progression), is(response, complete).
    all_of("A", "5", "5.a").
    criterion("A", "5.a", "Thirty"). met("A", "5.a") :- at_least(age, 30).
    """
    found = load(A=head() + PATHWAY + DENIED + closed).check("A")
    assert [f.subject for f in found if "5" in " ".join(f.sections)] == ["5"]
    assert of(found, FindingKind.NEVER_MET)[0].text == "No patient comes under 5"


def test_a_criterion_at_odds_with_its_pathway_is_named_and_not_its_neighbours(load: Load) -> None:
    initial = PATHWAY.replace("yes(responding)", "is(request, initial)").replace(
        '"1.a").', '("1.a"; "1.b")).', 1
    )
    continued = """
    criterion("A", "1.b", "Continued"). met("A", "1.b") :- is(request, continuation).
    """
    found = load(A=head() + initial + continued + DENIED).check("A")
    (never,) = of(found, FindingKind.NEVER_MET)
    assert never.subject == "1.b"
    assert never.text == "Where 1 applies, no patient meets 1.b, so 1 is never met"
    assert not of(found, FindingKind.CONTRADICTING_SECTIONS)


SECOND = """
criterion("A", "2", "Two"). pathway("A", "2"). applies("A", "2") :- yes(responding).
all_of("A", "2", "2.a").
criterion("A", "2.a", "Thirty"). met("A", "2.a") :- at_least(age, 30).
"""


def test_a_pathway_within_another_is_needless_unless_it_grants_something_else(load: Load) -> None:
    text = head() + PATHWAY + SECOND + DENIED
    found = load(A=text).check("A")
    (contained,) = of(found, FindingKind.CONTAINED)
    assert contained.subject == "2 in 1"
    assert contained.witnesses[0].facts["age"] == Bounds(18, 29)
    granted = (
        'provision("A", "M", "How long"). months("A", "M", "1", 6). months("A", "M", "2", 12).\n'
    )
    assert not of(load(A=text + granted).check("A"), FindingKind.CONTAINED)


def test_of_two_pathways_that_approve_the_same_one_is_needless(load: Load) -> None:
    found = load(A=head() + PATHWAY + SECOND.replace("30", "18") + DENIED).check("A")
    assert [f.subject for f in of(found, FindingKind.SAME_EFFECT)] == ["1 = 2"]
    assert not of(found, FindingKind.NEVER_DECISIVE)


def test_a_pathway_whose_patients_others_approve_between_them_is_needless(load: Load) -> None:
    third = SECOND.replace('"2', '"3').replace("at_least(age, 30)", "at_most(age, 40)")
    either = SECOND.replace("at_least(age, 30)", "yes(t_11_14)")
    found = load(A=head() + PATHWAY + either + third + DENIED).check("A")
    assert "2" in {f.subject for f in of(found, FindingKind.NEVER_DECISIVE)}


def test_a_pathway_that_never_approves_whom_it_applies_to_is_said(load: Load) -> None:
    barred = SECOND.replace("all_of", "none_of").replace("at_least(age, 30)", "yes(responding)")
    found = load(A=head() + PATHWAY + barred + DENIED).check("A")
    assert "never-met:2" in ids(found)
    assert "never-met:1" not in ids(found)


def test_rules_of_a_criterion_are_alternatives_that_are_looked_at_each(load: Load) -> None:
    further = """
    met("A", "1.a") :- at_least(age, 18), yes(progression).
    met("A", "1.a") :- is(response, progressive), yes(responding).
    """
    found = load(A=head() + PATHWAY + further + DENIED).check("A")
    assert {
        "contained:1.a: at_least age 18, yes progression",
        "never-met:1.a: is response progressive, yes responding",
    } <= ids(found)


def test_ways_to_statements_about_different_things_have_ids_of_their_own(load: Load) -> None:
    own = "".join(
        f'suits("A", {drug}) :- is(response, progressive), yes(responding).\n'
        f'suits("A", {drug}) :- yes(responding).\n'
        f'met("A", "1.a") :- suits("A", {drug}), includes(regimen, {drug}).\n'
        for drug in ("cisplatin", "selinexor")
    )
    never = of(load(A=head() + PATHWAY + own + DENIED).check("A"), FindingKind.NEVER_MET)
    assert {finding.subject for finding in never} == {
        f"suits {drug}: is response progressive, yes responding"
        for drug in ("cisplatin", "selinexor")
    }


def test_of_parts_that_say_the_same_none_is_blamed_for_the_other(load: Load) -> None:
    twice = (
        PATHWAY.replace('"1.a").', '("1.a"; "1.b")).', 1)
        + """
    criterion("A", "1.b", "Eighteen"). met("A", "1.b") :- at_least(age, 18).
    """
    )
    found = load(A=head() + twice + DENIED).check("A")
    assert of(found, FindingKind.SAME_EFFECT)
    assert not of(found, FindingKind.NEVER_DECISIVE)


def test_a_part_that_another_contains_is_shown_by_a_patient_it_matters_to(load: Load) -> None:
    wider = (
        PATHWAY.replace('"1.a").', '("1.a"; "1.b")).', 1)
        + """
    criterion("A", "1.b", "Twelve"). met("A", "1.b") :- at_least(age, 12).
    """
    )
    (contained,) = of(load(A=head() + wider + DENIED).check("A"), FindingKind.CONTAINED)
    assert contained.witnesses[0].facts["responding"] == Truth(True)  # noqa: FBT003


def test_who_is_renewed_is_held_against_what_a_first_request_asks_of_the_treatment(
    load: Load,
) -> None:
    initial = PATHWAY.replace("yes(responding)", "is(request, initial)")
    renewed = SECOND.replace("yes(responding)", "is(request, continuation)")
    renewed = renewed.replace("at_least(age, 30)", "yes(responding)")
    (finding,) = of(
        load(A=head() + initial + renewed + DENIED).check("A"), FindingKind.RENEWABLE_ONLY
    )
    assert finding.witnesses[0].facts["age"] == Bounds(0, 17)


def test_pathways_overlap_by_what_each_of_them_grants(load: Load) -> None:
    others = (
        "".join(PATHWAY.replace('"1', f'"{number}') for number in (2, 3))
        + """
    provision("A", ("M1"; "M3"), "For how long").
    months("A", "M1", "1", 6). months("A", "M3", "3", 12).
    """
    )
    found = load(A=head() + PATHWAY + others + DENIED).check("A")
    assert [f.subject for f in of(found, FindingKind.OVERLAPPING_PATHWAYS)] == ["1 and 3: months"]


LONG = """
reading("A", long, "How long?"). reading_section("A", long, "M").
choice("A", long, yes, "Long"). choice("A", long, no, "Short"). default_choice("A", long, yes).
provision("A", "M", "For how long").
"""
SIX_OR_TWELVE = """
months("A", "M", "1", 12) :- reads("A", long, yes).
months("A", "M", "1", 6) :- reads("A", long, no).
"""


def test_a_way_that_asks_for_any_member_is_one_for_each_and_keeps_its_name(load: Load) -> None:
    vocabulary = """
    fact(history, set, document). title(history, "History"). question(history, "What?").
    member(history, (ache; flu; gout)).
    fact(proven, boolean, document). title(proven, "Proven"). question(proven, "Is it?").
    """
    gout, nothing = "includes history gout, yes proven", "not includes history _, yes proven"
    policy = (
        PATHWAY.replace('"1") :- yes(responding)', '"1") :- seen("A")')
        + """
    seen("A") :- yes(proven), includes(history, gout), includes(history, _).
    seen("A") :- not includes(history, _), yes(proven).
    seen("A") :- yes(responding), yes(proven), not includes(history, _).
    """
    )
    found = of(load(A=head() + policy, vocabulary=vocabulary).check("A"), FindingKind.CONTAINED)
    assert {finding.text for finding in found} == {
        f"Of the ways to 'seen', {narrow!r} is contained in {wide!r}"
        for narrow, wide in (
            (f"includes history ache, {gout}", gout),
            (f"includes history flu, {gout}", gout),
            (f"{nothing}, yes responding", nothing),
        )
    }


def test_a_reading_on_which_months_hang_is_not_without_effect(load: Load) -> None:
    found = load(A=head() + PATHWAY + LONG + SIX_OR_TWELVE + DENIED).check("A")
    assert not of(found, FindingKind.READING_WITHOUT_EFFECT)


def test_a_reading_that_moves_a_part_alone_is_shown_both_ways_and_decided_again(
    load: Load,
) -> None:
    kb = load(A=head() + PATHWAY + LONG + SIX_OR_TWELVE + DENIED)
    (found,) = of(kb.check("A"), FindingKind.READING_DECIDES)
    assert (found.subject, found.sections) == ("long=no", ("M",))
    assert found.text == (
        "Read as 'no', 'long' moves, for some patients, a part of the answer alone: "
        "months from 12 to 6"
    )
    assert [(each.outcome, each.parts, each.readings) for each in found.witnesses] == [
        (Outcome.APPROVE, {"months": "12"}, {}),
        (Outcome.APPROVE, {"months": "6"}, {"long": "no"}),
    ]
    assert unreplayed_findings(kb, [found]) == []
    wrong = replace(found.witnesses[1], parts={"months": "12"})
    broken = replace(found, witnesses=(found.witnesses[0], wrong))
    assert unreplayed_findings(kb, [broken]) == [broken]


def test_a_reading_is_looked_at_from_the_choice_that_was_made(load: Load) -> None:
    kb = load(A=head() + PATHWAY + LONG + SIX_OR_TWELVE + DENIED)
    (found,) = of(kb.check("A", readings={"long": "no"}), FindingKind.READING_DECIDES)
    assert (found.subject, found.readings) == ("long=yes", {"long": "no"})
    assert found.text.endswith("months from 6 to 12")


def test_each_part_is_shown_in_each_direction_and_months_once_as_fewer_and_once_as_more(
    load: Load,
) -> None:
    parts = """
    months_up_to("A", "M", "1", 12) :- reads("A", long, yes).
    months("A", "M", "1", 6) :- reads("A", long, no).
    quantity("A", "M", "1", 3, capsule, 28) :- reads("A", long, no), yes(progression).
    provision("A", "D", "The rest is denied").
    denies("A", "D", not_medically_necessary) :- not approved("A"), reads("A", long, yes).
    denies("A", "D", investigational) :- not approved("A"), reads("A", long, no).
    """
    (found,) = of(load(A=head() + PATHWAY + LONG + parts).check("A"), FindingKind.READING_DECIDES)
    before, after = found.witnesses[::2], found.witnesses[1::2]
    assert [one.facts for one in before] == [other.facts for other in after]
    moved = [(one.parts, other.parts) for one, other in zip(before, after, strict=True)]
    numbers = [(int(one["months"]), int(other["months"])) for one, other in moved[:2]]
    assert sorted(one > other for one, other in numbers) == [False, True]
    assert {other for _, other in numbers} == {6}
    assert moved[2:] == [
        ({"quantity": "none"}, {"quantity": "3 capsule 28"}),
        ({"basis": "not_medically_necessary"}, {"basis": "investigational"}),
    ]


def test_a_reading_that_moves_outcomes_says_nothing_of_parts(load: Load) -> None:
    stricter = PATHWAY.replace(
        "at_least(age, 18).",
        'at_least(age, 18), reads("A", long, yes).\nmet("A", "1.a") :- at_least(age, 21).',
    )
    found = load(A=head() + stricter + LONG + SIX_OR_TWELVE + DENIED).check("A")
    (moving,) = of(found, FindingKind.READING_DECIDES)
    assert moving.text == "Read as 'no', 'long' moves some patients from approve to deny"
    assert all(not witness.parts for witness in moving.witnesses)


def test_a_reading_that_both_policies_have_is_chosen_for_both_or_for_one(load: Load) -> None:
    text = PATHWAY + LONG + SIX_OR_TWELVE + DENIED
    kb = load(A=head() + text, B=head("B") + renamed(text, "B"))
    for readings, verdict, own in (
        ({"long": "no"}, Verdict.EQUIVALENT, ({"long": "no"}, {"long": "no"})),
        ({"B:long": "no"}, Verdict.LOOSER, ({}, {"long": "no"})),
        ({"long": "no", "A:long": "yes"}, Verdict.LOOSER, ({}, {"long": "no"})),
        ({"A:long": "no", "B:long": "yes"}, Verdict.STRICTER, ({"long": "no"}, {})),
    ):
        found = kb.compare("A", "B", readings=readings)
        assert (found.verdict, found.readings) == (verdict, own)
        assert unreplayed_witnesses(kb, found) == 0
        for difference in found.differences:
            for region in difference.regions:
                assert tuple(witness.readings for witness in region.witnesses) == own


def referring(number: str, *targets: str) -> str:
    refers = "".join(
        f'provision("{number}", "R{place}", "To {target}").\n'
        f'refers("{number}", "R{place}", "{target}") :- not approved("{number}"), yes(progression).\n'
        for place, target in enumerate(targets)
    )
    denied = DENIED.replace('not approved("A")', 'not approved("A"), not yes(progression)')
    return head(number) + renamed(PATHWAY + denied, number) + refers


def test_a_circle_of_referrals_names_the_sections_that_lead_into_it(load: Load) -> None:
    kb = load(A=referring("A", "B", "C"), B=referring("B", "A"), C=referring("C", "B"))
    circles = of(kb.check("A"), FindingKind.REFERRAL_CIRCLE)
    assert {circle.subject: circle.sections for circle in circles} == {
        "A to B to A": ("R0",),
        "A to C to B to A": ("R1",),
    }


def test_referrals_that_never_come_back_are_no_circle(load: Load) -> None:
    names = [f"P{place}" for place in range(8)]
    policies = {
        name: referring(name, *(other for other in names[1:] if other != name)) for name in names
    }
    assert not of(load(**policies).check("P0"), FindingKind.REFERRAL_CIRCLE)


def test_a_circle_is_of_the_patients_whom_its_own_policies_serve(load: Load) -> None:
    def serving(number: str, *lines: str) -> str:
        return f'serves("{number}", line_of_business, ({"; ".join(lines)})).\n'

    kb = load(
        A=referring("A", "B", "C") + serving("A", "commercial", "medicaid"),
        B=referring("B", "A") + serving("B", "commercial"),
        C=referring("C", "A") + serving("C", "medicaid"),
        D=referring("D", "E") + serving("D", "commercial"),
        E=referring("E", "D") + serving("E", "medicaid"),
    )
    circles = of(kb.check("A"), FindingKind.REFERRAL_CIRCLE)
    lines = {circle.subject: circle.witnesses[0].facts["line_of_business"] for circle in circles}
    assert lines == {
        "A to B to A": OneOf(frozenset({"commercial"})),
        "A to C to A": OneOf(frozenset({"medicaid"})),
    }
    assert not unreplayed_findings(kb, circles)
    assert not of(kb.check("D"), FindingKind.REFERRAL_CIRCLE)


LABEL = """
reference("L", label, ixazomib, "Label"). source("L", "Invented").
version("L", "2020-01-01", open, published, "Invented.").
statement("L", "S", "Capsules").
strength("L", "S", ("2.3"; 3; 4), "mg", capsule).
"""


def test_evidence_that_hurts_is_no_evidence_to_leave_out(load: Load) -> None:
    hurt = PATHWAY.replace("at_least(age, 18)", "at_least(age, 18), not yes(dose_evidence)")
    (finding,) = of(load(A=head() + hurt + DENIED).check("A"), FindingKind.EVIDENCE_HURTS)
    assert finding.repair == "It is the policy to look at, never evidence to leave out"


def test_a_dose_that_no_capsules_add_up_to_is_said_once_with_all_who_compare_it(load: Load) -> None:
    reached = ('at_least(weekly_dose_mg, "2.3")', 'less_than(weekly_dose_mg, "6.3")')
    missed = ('at_most(weekly_dose_mg, "6.5")', 'less_than(weekly_dose_mg, "6.5")')
    parts = "".join(
        f'all_of("A", "1", "1.{place}"). criterion("A", "1.{place}", "Dose").\n'
        f'met("A", "1.{place}") :- {condition}.\n'
        for place, condition in enumerate((*reached, *missed))
    )
    found = load(A=head() + PATHWAY + parts + DENIED, references=LABEL).check("A")
    (dose,) = of(found, FindingKind.UNREACHABLE_DOSE)
    assert (dose.subject, dose.sections) == ("weekly_dose_mg 6.5", ("1.2", "1.3"))


def test_what_turns_a_supported_use_away_on_either_side_is_said_of_both(load: Load) -> None:
    either = """
    criterion("A", "1", "One"). pathway("A", "1"). applies("A", "1") :- is(request, initial).
    met("A", "1") :- is(diagnosis, multiple_myeloma), at_least(age, 18), yes(on_formulary).
    met("A", "1") :- is(diagnosis, multiple_myeloma), less_than(age, 18), not yes(on_formulary).
    """
    found = load(A=head() + either + DENIED, references=GUIDELINE).check("A")
    (stricter,) = of(found, FindingKind.STRICTER_THAN_GUIDELINE)
    assert stricter.text.endswith(
        "for Age at the request date: any; On the formulary or preferred drug list: no and yes"
    )


def test_nobody_is_found_of_whom_something_holds_and_does_not(load: Load) -> None:
    months = 'provision("A", "M", "Months"). months_up_to("A", "M", "1", 12).\n'
    policy = load(A=head() + PATHWAY + months + DENIED).policy("A")
    vocabulary = load().vocabulary
    population = Population([Stated(policy, policy.versions[0], None)], vocabulary, Budget())
    approve = population.subjects[0].says(Outcome.APPROVE)
    assert population.patients.find(population.circuit.all_of([approve, -approve])) is None


def test_a_part_of_a_check_that_meets_a_limit_is_a_finding_beside_the_others(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb = load(A=head() + PATHWAY + DENIED)
    monkeypatch.setattr(analyst, "SECONDS_FOR_A_VERSION", -1.0)
    found = of(kb.check("A"), FindingKind.NOT_FINISHED)
    assert "outcomes" in {finding.subject for finding in found}
    assert all(finding.severity == "error" for finding in found)


def test_a_comparison_that_met_a_limit_decides_nothing(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = head() + PATHWAY + DENIED
    kb = load(A=text, B=renamed(text, "B").replace("18", "16"))
    assert kb.compare("A", "B").verdict == "stricter"
    monkeypatch.setattr(analyst, "SECONDS_FOR_A_VERSION", -1.0)
    comparison = kb.compare("A", "B")
    assert comparison.verdict == "undecided"
    assert not comparison.complete
    assert "there may be more" in comparison.proof


def test_policies_that_serve_nobody_in_common_are_not_equivalent(load: Load) -> None:
    text = head() + PATHWAY + DENIED
    kb = load(
        A=text + 'serves("A", line_of_business, (commercial; medicaid)).\n',
        B=renamed(text, "B") + 'serves("B", line_of_business, fep).\n',
    )
    comparison = kb.compare("A", "B")
    assert comparison.verdict == "no-common-patient"
    assert "A also serves patients whom B does not" in comparison.proof


def test_durations_come_in_the_order_of_their_length(load: Load) -> None:
    text = head() + PATHWAY + DENIED + 'provision("A", "M", "How long").\n'
    whole = text + 'months("A", "M", "1", 12).\n'
    kb = load(A=whole, B=renamed(text + 'months_up_to("A", "M", "1", 12).\n', "B"))
    parted = [each.second for each in kb.compare("A", "B").differences]
    assert parted == [str(months) for months in range(1, 12)]


def test_the_verdict_of_a_phase_weighs_outcomes_and_months(load: Load) -> None:
    text = head() + PATHWAY + DENIED + 'provision("A", "M", "Months"). months("A", "M", "1", 12).\n'
    other = renamed(text, "B").replace("18", "16").replace("12", "6")
    comparison = load(A=text, B=other).compare("A", "B")
    assert comparison.verdict == "incomparable"
    assert [phase.verdict for phase in comparison.phases] == ["incomparable"]


def test_a_diff_names_sections_whose_months_quantity_or_advice_changed(load: Load) -> None:
    dated = (
        head().replace('"2024-01-01", open', '"2024-01-01", "2025-01-01"')
        + 'version("A", "2025-01-01", open, published, "Invented.").\n'
    )
    grants = """
    provision("A", ("M"; "Q"; "V"), "Grants and advice").
    months("A", "M", "1", 6) :- before("2025-01-01"). months("A", "M", "1", 12) :- since("2025-01-01").
    quantity("A", "Q", "1", 3, capsule, 28) :- before("2025-01-01").
    quantity("A", "Q", "1", 4, capsule, 28) :- since("2025-01-01").
    advises("A", "V") :- before("2025-01-01").
    advises("A", "V") :- yes(progression), since("2025-01-01").
    """
    comparison = load(A=dated + PATHWAY + DENIED + grants).diff("A", "2024-06-01", "2025-06-01")
    changed = {change.section: change.change.value for change in comparison.sections}
    assert changed == {"M": "altered", "Q": "altered", "V": "altered"}


def test_a_route_to_approval_leads_to_approval_alone(load: Load) -> None:
    young = (
        'provision("A", "E", "Young"). denies("A", "E", investigational) :- less_than(age, 65).\n'
    )
    (route,) = load(A=head() + PATHWAY + DENIED + young).routes("A")
    assert route.facts["age"] == Bounds(65, 120)


def test_regions_are_prime_also_where_values_depend_on_each_other(load: Load) -> None:
    vocabulary = """
    fact(aaa, number, document). title(aaa, "A"). question(aaa, "A?"). unit(aaa, "units").
    range(aaa, 0, 100).
    fact(bbb, choice, document). title(bbb, "B"). question(bbb, "B?").
    value(bbb, b1, "1"). value(bbb, b2, "2"). value(bbb, b3, "3").
    contradiction(ab, "Not both"). impossible(ab) :- is(bbb, b1), at_least(aaa, 10), less_than(aaa, 20).
    """
    asked = """
    criterion("A", "1", "One"). pathway("A", "1"). applies("A", "1").
    all_of("A", "1", ("1.a"; "1.b")).
    criterion("A", "1.a", "Low"). met("A", "1.a") :- less_than(aaa, 20).
    criterion("A", "1.b", "First or second"). met("A", "1.b") :- is(bbb, (b1; b2)).
    """
    kb = load(A=head() + asked + DENIED, vocabulary=vocabulary)
    policy = kb.policy("A")
    population = Population([Stated(policy, policy.versions[0], {})], kb.vocabulary, Budget())
    approved = population.subjects[0].outcome(Outcome.APPROVE)
    lowest = (0,) * len(population.circuit.domains)
    region = prime_region(population.patients, approved, lowest)
    assert population.facts(region) == {
        "aaa": Bounds(0, 19),
        "bbb": OneOf(frozenset({"b1", "b2"})),
    }
