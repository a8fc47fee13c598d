"""The library of queries: each answer against plain Python over the knowledge base's own objects.

Whatever is asked here is answered by clingo too.
"""

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import oracle
import pytest
from related import Derived, share

import kb as packaged
from engine.analysis.difference import Route
from engine.determination import CriterionStatus, Determination, Outcome, Status
from engine.relations.database import Relations
from facts.errors import QueryError
from facts.values import Members, OneOf
from policygrounds import Case, KnowledgeBase
from queries.datalog import Answer, check
from queries.saved import SavedQuery, library
from queries.terminal_queries import asks_about_cases
from queries.witnesses import stated

TODAY = "2026-02-01"
CENTENE, FEP = "CP.PHAR.302", "5.21.071"
NUMBERS = (CENTENE, FEP)
MYELOMA = "multiple_myeloma"
EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWN = 16
"""Random cases of each policy, besides the examples."""


def example_cases() -> list[Case]:
    names = ("vignettes", "denied", "partial")
    read = [json.loads((EXAMPLES / f"{name}.json").read_text()) for name in names]
    return [Case.from_json(case) for case in [*read[0], *read[1:]]]


def drawn_cases() -> Iterator[Case]:
    draw = random.Random(29)
    for number in range(DRAWN):
        for policy in NUMBERS:
            facts = oracle.random_case(draw, policy, complete=number % 3 == 0, free_budget=200)
            yield Case(id=f"{policy} {number}", policy=policy, on="2025-09-15", facts=facts)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [*example_cases(), *drawn_cases()]


@pytest.fixture(scope="module")
def determinations(kb: KnowledgeBase, cases: list[Case]) -> dict[str, Determination]:
    return {str(case.id): kb.determine(case) for case in cases}


@pytest.fixture(scope="module")
def database(kb: KnowledgeBase, cases: list[Case], derived_before: Derived) -> Relations:
    return share(kb.relations(cases, on=TODAY), derived_before)


Asking = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def ask(database: Relations) -> Asking:
    """Ask a query of the library with its example or with other values; return its rows."""

    def asked(name: str, **parameters: object) -> list[tuple[object, ...]]:
        return list(answered(database, library()[name], parameters).rows)

    return asked


def answered(database: Relations, saved: SavedQuery, parameters: Mapping[str, object]) -> Answer:
    values = parameters or saved.example
    return check(database, saved.text, parameters=values, source=saved.source)


@pytest.fixture(scope="module")
def routes(kb: KnowledgeBase) -> dict[str, tuple[Route, ...]]:
    return {number: kb.routes(number, on=TODAY) for number in NUMBERS}


def texts(kb: KnowledgeBase, policy: str, version: str = TODAY) -> Mapping[str, str]:
    """Return the texts of a policy's version in force on a day."""
    return kb.policy(policy).version(version).texts


def walk(node: CriterionStatus) -> Iterator[CriterionStatus]:
    yield node
    for part in node.parts:
        yield from walk(part)


def pathways(answer: Determination) -> list[CriterionStatus]:
    root = answer.criteria
    return list(root.parts) if root.section == answer.policy else [root]


def unmet(node: CriterionStatus) -> set[str]:
    """Return the deepest sections that are not met, below nothing but sections that need all."""
    if node.status is not Status.NOT_MET:
        return set()
    below = set().union(*map(unmet, node.parts)) if node.needs == "all" and node.parts else set()
    return below or {node.section}


def files(folder: str) -> Iterable[str]:
    return (path.read_text() for path in sorted((packaged.FOLDER / folder).rglob("*.lp")))


# What every query of the library has


@pytest.mark.parametrize("name", library())
def test_a_saved_query_says_what_it_answers_and_shows_an_example(name: str) -> None:
    saved = library()[name]
    assert saved.sentence.endswith("?")
    assert saved.sentence.count("?") == 1
    named = set(re.findall(r"\$([a-z]\w*)", "\n".join(rules_of(saved))))
    assert named == set(saved.example) == {parameter.name for parameter in saved.parameters}


def rules_of(saved: SavedQuery) -> list[str]:
    return [line for line in saved.text.splitlines() if not line.startswith("%")]


@pytest.mark.parametrize("name", library())
def test_a_saved_query_is_answered_alike_by_clingo(database: Relations, name: str) -> None:
    answered(database, library()[name], {})


@pytest.mark.parametrize("name", library())
def test_a_saved_query_has_an_answer_to_show_or_is_tested_elsewhere(
    database: Relations, name: str
) -> None:
    assert len(answered(database, library()[name], {})) > 0 or name == "open_findings"


def test_the_queries_that_need_cases_are_known(database: Relations) -> None:
    needing = {
        name for name, saved in library().items() if asks_about_cases(saved, database.relations)
    }
    assert needing == {
        "cases_failing_one_section",
        "cases_near_threshold",
        "cheapest_changes",
        "missing_facts",
        "outcomes_by_policy",
        "readings_that_matter",
        "sections_failed_most",
        "sections_nobody_fails",
    }


# Policies and routes


@pytest.mark.parametrize(
    "regimen",
    [
        ("ixazomib", "lenalidomide", "dexamethasone"),
        ("ixazomib", "pomalidomide", "dexamethasone"),
        ("ixazomib", "rituximab", "dexamethasone"),
    ],
)
def test_payers_covering_a_regimen_are_those_with_a_route_that_leaves_room_for_it(
    kb: KnowledgeBase,
    ask: Asking,
    routes: Mapping[str, tuple[Route, ...]],
    regimen: tuple[str, ...],
) -> None:
    found: dict[tuple[str, str, str | None], list[list[int]]] = defaultdict(list)
    for number, every in routes.items():
        for route in every:
            if not has_room(route, regimen):
                continue
            for diagnosis in kb.vocabulary.diagnoses:
                if leads_there(kb, route, diagnosis):
                    found[number, diagnosis, route.pathway].append(months(kb, route))
    expected = {
        (
            kb.policy(number).payer,
            number,
            kb.policy(number).version(TODAY).start,
            diagnosis,
            pathway,
            len(granted),
            min(min(each) for each in granted),
            max(max(each) for each in granted),
        )
        for (number, diagnosis, pathway), granted in found.items()
    }
    name = " + ".join(sorted(regimen))
    assert set(ask("payers_covering_regimen", regimen=name)) == expected
    assert expected


def has_room(route: Route, regimen: Iterable[str]) -> bool:
    needed = route.facts.get("regimen")
    if not isinstance(needed, Members):
        return True
    return needed.includes <= set(regimen) and not needed.excludes & set(regimen)


def leads_there(kb: KnowledgeBase, route: Route, diagnosis: str) -> bool:
    """Whether some patient of a route has a diagnosis: the two are not known to clash."""
    known = route.facts.get("diagnosis")
    if isinstance(known, OneOf) and diagnosis not in known.values:
        return False
    facts = {**stated(route.facts, kb.vocabulary), "diagnosis": diagnosis}
    case = Case(policy=route.policy, on=TODAY, facts=facts)
    return kb.determine(case).outcome is Outcome.APPROVE


def months(kb: KnowledgeBase, route: Route) -> list[int]:
    case = Case(policy=route.policy, on=TODAY, facts=stated(route.facts, kb.vocabulary))
    return [each for each in kb.determine(case).authorization.months if each is not None]


def test_changes_since_a_date_are_those_of_the_revision_log(kb: KnowledgeBase, ask: Asking) -> None:
    after = {
        ("2024-08-01", "I.A.5.c"): "added",
        ("2024-08-01", "I.B.4.c"): "added",
        ("2024-08-01", "I.A.5"): "altered",
        ("2024-08-01", "I.B.4"): "altered",
        ("2025-08-01", "I.A.5"): "altered",
        ("2025-08-01", "I.A.5.b"): "altered",
        ("2025-08-01", "I.A.5.b (refractory)"): "added",
        ("2025-08-01", "I.A.5.d"): "added",
        ("2025-08-01", "I.A.5.d (primary)"): "added",
        ("2025-08-01", "I.A.5.d (relapse)"): "added",
    }
    expected = [
        (CENTENE, day, section, became, texts(kb, CENTENE, day)[section])
        for (day, section), became in sorted(after.items())
    ]
    assert ask("changes_since", date="2023-08-02") == expected
    assert ask("changes_since", date="2024-08-01") == expected
    assert ask("changes_since", date="2024-08-02") == expected[4:]
    assert ask("changes_since", date="2025-08-02") == []


def test_what_was_removed_since_a_date_has_the_text_it_had(kb: KnowledgeBase, ask: Asking) -> None:
    removed = [row for row in ask("changes_since", date="2022-08-02") if row[3] == "removed"]
    before = texts(kb, CENTENE, "2022-08-01")
    gone = ("I.A.5 (dexamethasone alone)", "I.B.4 (single agent)")
    assert removed == [(CENTENE, "2023-08-01", each, "removed", before[each]) for each in gone]


def test_outcomes_moved_since_a_date_are_those_of_the_comparisons(
    kb: KnowledgeBase, ask: Asking
) -> None:
    starts = [version.start for version in kb.policy(CENTENE).versions]
    expected = {
        (CENTENE, later, difference.first, difference.second)
        for earlier, later in pairwise(starts)
        for difference in kb.diff(CENTENE, earlier, later).differences
        if difference.part == "outcome" and later >= "2024-08-01"
    }
    assert set(ask("outcomes_moved_since", date="2024-08-01")) == expected
    assert set(ask("outcomes_moved_since", date="2025-08-02")) == set()


def test_thresholds_differ_where_the_texts_do(ask: Asking) -> None:
    assert ask("differing_thresholds") == [
        ("prior_lines", "at_least", 2, CENTENE, "I.A.5.b.ii (lines)", FEP)
    ]


def test_facts_one_payer_asks_are_those_that_only_its_sections_look_at(
    kb: KnowledgeBase, ask: Asking, database: Relations
) -> None:
    asked = {
        number: {
            str(fact)
            for policy, version, _, fact in database.rows("asks")
            if (policy, version) == (number, kb.policy(number).version(TODAY).start)
        }
        for number in NUMBERS
    }
    expected = {
        (fact, kb.vocabulary.facts[fact].title, kb.policy(number).payer, (number,))
        for number, other in ((CENTENE, FEP), (FEP, CENTENE))
        for fact in asked[number] - asked[other]
    }
    assert set(ask("facts_one_payer_asks")) == expected
    assert {"t_11_14", "prescriber"} <= {row[0] for row in expected}
    assert not {"age", "prior_lines"} & {row[0] for row in expected}


def test_months_by_line_of_business_are_those_of_the_texts(ask: Asking) -> None:
    initial = {"medicaid": ("is", 6), "him": ("is", 6), "commercial": ("at_most", 12)}
    continued = {"medicaid": ("is", 12), "him": ("is", 12), "commercial": ("at_most", 12)}
    expected = {
        (CENTENE, pathway, line, *granted)
        for pathway in ("I.A", "I.B", "I.C")
        for line, granted in initial.items()
    }
    expected |= {(CENTENE, "II.A", line, *granted) for line, granted in continued.items()}
    expected |= {
        (FEP, pathway, line, "is", 12)
        for pathway in ("Prior-Approval", "Renewal")
        for line in ("commercial", "him", "medicaid", "fep")
    }
    assert {row[:5] for row in ask("months_by_line_of_business")} == expected


def test_sections_asking_for_prior_lines_are_those_of_the_texts(
    kb: KnowledgeBase, ask: Asking
) -> None:
    expected = [
        (FEP, "Prior-Approval.a"),
        (CENTENE, "I.A.4"),
        (CENTENE, "I.A.5.b.ii (lines)"),
    ]
    assert ask("sections_asking", fact="prior_lines") == [
        (policy, section, texts(kb, policy)[section]) for policy, section in expected
    ]


def test_open_findings_are_the_errors_and_warnings_that_nobody_accepted() -> None:
    example = KnowledgeBase.load(EXAMPLES / "new_policy")
    rows = answered(example.relations(on=TODAY), library()["open_findings"], {}).rows
    expected = {
        (number, str(finding.severity), str(finding.kind), finding.id, finding.text)
        for number in example.policies
        for finding in example.check(number, on=TODAY)
        if finding.severity != "note" and finding.id not in example.accepted(number)
    }
    assert set(rows) == expected
    assert expected


# Evidence


def test_criteria_rest_on_current_statements_of_guidelines(
    kb: KnowledgeBase, ask: Asking, database: Relations
) -> None:
    said = statements(kb)
    expected = {
        (policy, section, texts(kb, str(policy))[str(section)], *said[reference, statement])
        for policy, _, section, reference, statement in database.rows("rests_on")
        if str(reference).startswith("NCCN")
    }
    assert set(ask("criteria_resting_on_guidelines")) == expected
    assert any(row[1] == "I.A.5.b.iii" for row in expected)


def statements(kb: KnowledgeBase) -> dict[tuple[object, object], tuple[str, str, str]]:
    """Return reference, section and text of what current references state."""
    return {
        (reference.name, section): (reference.name, section, text)
        for reference in kb._library.references.values()
        for version in reference.versions
        if version.covers(TODAY)
        for section, text in version.texts.items()
    }


def test_evidence_for_routes_is_that_of_the_routes_with_the_drug(
    kb: KnowledgeBase, ask: Asking, database: Relations, routes: Mapping[str, tuple[Route, ...]]
) -> None:
    names = {
        f"{CENTENE}:approve:{place}"
        for place, route in enumerate(routes[CENTENE], start=1)
        if isinstance(regimen := route.facts.get("regimen"), Members)
        and "pomalidomide" in regimen.includes
    }
    said = statements(kb)
    counted = Counter(
        (reference, section, does)
        for relation, does in (("supported_by", "supports"), ("limited_by", "limits"))
        for policy, route, reference, section in database.rows(relation)
        if policy == CENTENE and route in names
    )
    expected = {
        (*said[reference, section][:2], does, said[reference, section][2], count)
        for (reference, section, does), count in counted.items()
    }
    assert set(ask("evidence_for_routes", policy=CENTENE, drug="pomalidomide")) == expected
    assert {row[2] for row in expected} == {"supports", "limits"}


def test_a_supported_regimen_is_not_covered_where_no_route_leaves_room_for_it(
    kb: KnowledgeBase,
    ask: Asking,
    database: Relations,
    routes: Mapping[str, tuple[Route, ...]],
) -> None:
    listed: dict[tuple[str, str, str, str], set[str]] = defaultdict(set)
    supported = set(database.rows("supports"))
    current = {
        (reference.name, version.start, section)
        for reference in kb._library.references.values()
        for version in reference.versions
        if version.covers(TODAY)
        for section in version.texts
    }
    for reference, version, section, regimen in database.rows("lists"):
        for diagnosis in kb.vocabulary.diagnoses:
            if (
                str(reference).startswith("NCCN")
                and (reference, version, section) in current
                and (reference, version, section, diagnosis) in supported
            ):
                for number in NUMBERS:
                    key = (number, diagnosis, str(regimen), str(reference))
                    listed[key].add(str(section))
    expected = {
        (*key, tuple(sorted(sections)))
        for key, sections in listed.items()
        if not any(
            has_room(route, key[2].split(" + "))
            and leads_there(kb, route, key[1])
            and route.facts.get("request") != OneOf(frozenset(["continuation"]))
            for route in routes[key[0]]
        )
    }
    assert set(ask("recommended_regimens_not_covered")) == expected
    assert {row[0] for row in expected} == {FEP}


def test_preferred_regimens_are_counted_by_the_routes_with_room_for_them(
    kb: KnowledgeBase, ask: Asking, routes: Mapping[str, tuple[Route, ...]]
) -> None:
    regimen = ("dexamethasone", "ixazomib", "pomalidomide")
    expected = {
        (" + ".join(regimen), MYELOMA, "NCCN Multiple Myeloma", section, number, pathway, count)
        for disease in ("Anti-CD38 refractory", "Lenalidomide refractory")
        for section in [f"Pomalidomide and dexamethasone.{disease}"]
        for number in NUMBERS
        for pathway, count in Counter(
            route.pathway
            for route in routes[number]
            if has_room(route, regimen) and leads_there(kb, route, MYELOMA)
        ).items()
    }
    assert set(ask("preferred_regimens")) == expected
    assert expected


def test_conflicts_are_those_that_the_files_of_references_state(
    kb: KnowledgeBase, ask: Asking
) -> None:
    stated_in_files = sum(
        len(re.findall(r"^contradicts\(", text, re.MULTILINE)) for text in files("references")
    )
    found = ask("conflicts_between_sources")
    assert found
    assert len(found) <= stated_in_files
    current = statements(kb)
    for reference, section, other, other_section, text in found:
        assert (reference, section) in current
        assert any(
            f'"{text}"' in file and f'"{other_section}"' in file for file in files("references")
        )
        assert kb._library.references[str(other)]


def test_figures_of_trials_are_those_that_their_files_state(ask: Asking) -> None:
    form = re.compile(
        r'^figure\("([^"]+)",\s*"([^"]+)",\s*(\w+),\s*(\w+),\s*(\w+),\s*"?([\d.]+)"?,\s*"([^"]+)"\)',
        re.MULTILINE,
    )
    text = "\n".join(each for each in files("references/trials") if "pomalidomide" in each)
    expected = {
        (trial, section, subject, statistic, comparison, Decimal(amount), unit)
        for trial, section, subject, statistic, comparison, amount, unit in form.findall(text)
    }
    assert set(ask("trial_figures", drug="pomalidomide")) == expected
    assert ask("trial_figures", drug="venetoclax") == []


def test_intervals_of_trials_hold_their_figures(ask: Asking) -> None:
    found = ask("trial_intervals", drug="pomalidomide")
    form = re.compile(
        r'^interval\("Alliance A061202",\s*"([^"]+)",\s*(\d+),\s*"?([\d.]+)"?,\s*"?([\d.]+)"?\)',
        re.MULTILINE,
    )
    expected = {
        (section, Decimal(level), Decimal(lowest), Decimal(highest))
        for text in files("references/trials")
        for section, level, lowest, highest in form.findall(text)
    }
    assert {(row[1], *row[4:]) for row in found} == expected
    for *_, amount, _, lowest, highest in found:
        assert lowest < amount < highest  # type: ignore[operator]  # numbers


def test_codes_of_a_drug_are_those_of_the_vocabulary(kb: KnowledgeBase, ask: Asking) -> None:
    expected = {
        (code.system, code.code, code.text, code.source)
        for code in kb.vocabulary.drugs["ixazomib"].codes
    }
    assert set(ask("drug_codes", drug="ixazomib")) == expected


def test_codes_of_a_diagnosis_come_before_those_mistaken_for_it(
    kb: KnowledgeBase, ask: Asking
) -> None:
    diagnosis = kb.vocabulary.diagnoses["multiple_myeloma"]
    expected = sorted((code, code, "yes", text) for code, text in diagnosis.icd10.items())
    expected += sorted((trap.first, trap.last, "no", trap.text) for trap in diagnosis.traps)
    assert ask("diagnosis_codes", diagnosis="multiple_myeloma") == expected


# Cases


def test_cases_that_fail_one_section_fail_no_other_of_the_pathway(
    kb: KnowledgeBase, ask: Asking, determinations: Mapping[str, Determination]
) -> None:
    expected = set()
    for name, answer in determinations.items():
        for pathway in pathways(answer):
            sections = unmet(pathway)
            if len(sections) == 1 and answer.outcome is not Outcome.APPROVE:
                (section,) = sections
                text = texts(kb, answer.policy, answer.version)[section]
                expected.add(
                    (name, answer.policy, answer.outcome.value, pathway.section, section, text)
                )
    assert set(ask("cases_failing_one_section")) == expected
    assert len(expected) > 5


def test_sections_failed_most_are_counted_by_case(
    kb: KnowledgeBase, ask: Asking, determinations: Mapping[str, Determination]
) -> None:
    counted = Counter(
        (answer.policy, section, texts(kb, answer.policy, answer.version)[section])
        for answer in determinations.values()
        if answer.outcome is not Outcome.APPROVE
        for section in set().union(*map(unmet, pathways(answer)))
    )
    found = ask("sections_failed_most")
    assert set(found) == {(*key, count) for key, count in counted.items()}
    numbers = [row[-1] for row in found]
    assert numbers == sorted(numbers, reverse=True)  # type: ignore[type-var]  # numbers


def test_sections_nobody_fails_are_met_by_every_case_that_comes_to_them(
    kb: KnowledgeBase, ask: Asking, determinations: Mapping[str, Determination]
) -> None:
    statuses: dict[tuple[str, str, str], list[Status]] = defaultdict(list)
    for answer in determinations.values():
        seen = {
            node.section: node.status
            for root in (*pathways(answer), *answer.routing)
            for node in walk(root)
        }
        for section, status in seen.items():
            statuses[answer.policy, answer.version, section].append(status)
    expected = {
        (policy, version, section, texts(kb, policy, version)[section], len(found))
        for (policy, version, section), found in statuses.items()
        if set(found) == {Status.MET} and section in texts(kb, policy, version)
    }
    assert set(ask("sections_nobody_fails")) == expected
    assert expected


def test_readings_matter_to_the_cases_whose_determinations_say_so(
    ask: Asking, determinations: Mapping[str, Determination]
) -> None:
    counted = Counter(
        (answer.policy, each.name, each.other, answer.outcome.value, each.outcome.value)
        for answer in determinations.values()
        for each in answer.readings
    )
    found = ask("readings_that_matter")
    assert set(found) == {(*key, count) for key, count in counted.items()}
    assert [row[-1] for row in found] == sorted(counted.values(), reverse=True)


def test_missing_facts_are_those_that_matter_to_some_case(
    kb: KnowledgeBase, ask: Asking, determinations: Mapping[str, Determination]
) -> None:
    counted = Counter(
        fact for answer in determinations.values() for fact in answer.unknown_that_matter
    )
    facts = kb.vocabulary.facts
    expected = {
        (fact, facts[fact].title, facts[fact].changer.value, count)
        for fact, count in counted.items()
    }
    assert set(ask("missing_facts")) == expected
    assert len(expected) > 5


def test_outcomes_are_counted_by_policy_and_version(
    ask: Asking, determinations: Mapping[str, Determination]
) -> None:
    counted = Counter(
        (answer.policy, answer.version, answer.outcome.value) for answer in determinations.values()
    )
    assert set(ask("outcomes_by_policy")) == {(*key, count) for key, count in counted.items()}


def test_the_cheapest_changes_take_the_least_effort_of_all(kb: KnowledgeBase) -> None:
    given = example_cases()
    database = kb.relations(given, on=TODAY)
    expected = set()
    ranks = ("document", "prescribe", "wait")
    for case in given:
        changes = kb.explain(case).changes
        least = min((ranks.index(change.effort.value) for change in changes), default=None)
        for number, change in enumerate(changes, start=1):
            if ranks.index(change.effort.value) == least:
                name = f"{case.id}:{number}"
                expected.add((case.id, change.effort.value, name, tuple(sorted(change.facts))))
    assert set(answered(database, library()["cheapest_changes"], {}).rows) == expected
    assert len({row[0] for row in expected}) > 3


@pytest.mark.parametrize(("lowest", "highest"), [(1, 2), (2, 2), (1, 1), (0, 0)])
def test_cases_near_a_threshold_lie_between_the_numbers_with_it(
    ask: Asking, cases: list[Case], lowest: int, highest: int
) -> None:
    thresholds = {
        FEP: [(1, "Prior-Approval.a")],
        CENTENE: [(1, "I.A.4"), (2, "I.A.5.b.ii (lines)")],
    }
    expected = {
        (case.id, lines, "at_least", threshold, (section,))
        for case in cases
        if (lines := settled(case.facts.get("prior_lines"))) is not None
        and lowest <= lines <= highest
        for threshold, section in thresholds[str(case.policy)]
        if lowest <= threshold <= highest
    }
    found = ask("cases_near_threshold", fact="prior_lines", lowest=lowest, highest=highest)
    assert set(found) == expected
    assert bool(expected) == (highest > 0)


def settled(value: object) -> int | None:
    """Return a number that is known exactly."""
    if isinstance(value, Mapping):
        ends = (value.get("at_least"), value.get("at_most"))
        return ends[0] if ends[0] == ends[1] and ends[0] is not None else None
    return value if isinstance(value, int) else None


def test_a_regimen_in_another_order_is_recognized(kb: KnowledgeBase) -> None:
    with pytest.raises(
        QueryError, match="did you mean 'dexamethasone \\+ ixazomib \\+ lenalidomide'"
    ):
        kb.query('covers(P, R, "Ixazomib + lenalidomide + dexamethasone")', on=TODAY)
