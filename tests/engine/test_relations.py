"""Relations on documents: each row against policies, references and files themselves."""

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest
from related import rows_of

import kb as packaged
from engine.analysis.subject import Population, Stated
from engine.policy import Policy, Version, branches
from engine.relation import ColumnType, Row
from engine.relations.database import Relations
from engine.relations.definitions import domains, relations, topics
from engine.solver import Budget
from engine.statements import REFERENCE_STATEMENTS, STATIC_STATEMENTS
from facts.errors import UnknownReadingError
from policygrounds import CaseError, KnowledgeBase

CENTENE, FEP, EXAMPLE = "CP.PHAR.302", "5.21.071", "EX-101"
NOW = "2025-08-01"
OF_CASES = {relation.name for relation in topics()["cases"].relations}
ALL = sorted(relations().keys() - OF_CASES)


# What every relation keeps


def test_no_two_relations_have_one_name() -> None:
    names = Counter(relation.name for topic in topics().values() for relation in topic.relations)
    assert max(names.values()) == 1


@pytest.mark.parametrize("name", ALL)
def test_rows_have_the_types_and_the_values_that_their_columns_say(
    database: Relations, example: Relations, name: str
) -> None:
    columns = relations()[name].columns
    for each in (database, example):
        for row in each.rows(name):
            assert len(row) == len(columns)
            for value, column in zip(row, columns, strict=True):
                if column.type is ColumnType.NUMBER:
                    assert isinstance(value, int | Decimal), (row, column)
                else:
                    assert isinstance(value, str), (row, column)
                if column.type is ColumnType.DATE:
                    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)), (row, column)
                if column.domain is not None:
                    assert value in each.values(column.domain), (row, column)


def test_each_relation_of_a_knowledge_base_has_a_row_in_one_of_the_two(
    database: Relations, example: Relations
) -> None:
    empty = {name for name in ALL if not database.rows(name) and not example.rows(name)}
    assert not empty


@pytest.mark.parametrize(
    "order",
    [
        ("case", "policy", "version"),
        ("policy", "version", "section"),
        ("policy", "route"),
        ("reference", "version", "section"),
        ("document", "version", "section"),
    ],
)
def test_columns_come_in_one_order_everywhere(order: tuple[str, ...]) -> None:
    for relation in relations().values():
        names = [column.name for column in relation.columns if column.name in order]
        if names[:1] == [order[0]]:
            assert names == sorted(names, key=order.index), relation.name


def test_every_domain_that_a_column_names_has_values(database: Relations) -> None:
    named = {column.domain for relation in relations().values() for column in relation.columns}
    assert named - {None} == set(domains())
    of_cases = {"case", "change"}
    assert all(database.values(domain) for domain in set(domains()) - of_cases)


# Documents


def test_policies_and_their_versions_are_those_of_the_knowledge_base(
    kb: KnowledgeBase, database: Relations
) -> None:
    policies = kb.policies.values()
    assert database.rows("policy") == {(p.number, p.payer, p.drug, p.title) for p in policies}
    versions = [(p, v) for p in policies for v in p.versions]
    stated = {(p.number, v.start, v.status, v.note) for p, v in versions}
    ends = {(p.number, v.start, v.until) for p, v in versions if v.until}
    assert {row for row in database.rows("version") if row[0] in kb.policies} == stated
    assert {row for row in database.rows("ends") if row[0] in kb.policies} == ends
    assert {(p.number, p.source) for p in policies} <= database.rows("source")


@pytest.mark.parametrize(
    ("day", "version"),
    [
        ("2022-07-31", None),
        ("2022-08-01", "2022-08-01"),
        ("2025-07-31", "2024-08-01"),
        ("2025-08-01", NOW),
        ("2099-01-01", NOW),
    ],
)
def test_the_current_version_is_the_one_in_force_on_the_day(
    kb: KnowledgeBase, day: str, version: str | None
) -> None:
    current = rows_of(kb.relations(on=day), "current", CENTENE)
    assert current == ({(version,)} if version else set())


def test_a_policy_without_a_version_on_the_day_has_no_routes(kb: KnowledgeBase) -> None:
    early = kb.relations(on="2023-12-31")
    assert {row[0] for row in early.rows("route")} == {CENTENE}
    assert not rows_of(early, "current", FEP)


def test_a_date_that_is_none_and_a_reading_that_is_none_are_refused(kb: KnowledgeBase) -> None:
    with pytest.raises(CaseError, match="expected a date"):
        kb.relations(on="yesterday")
    with pytest.raises(UnknownReadingError, match="did you mean 'in_combination_with'"):
        kb.relations(readings={"in_combination_wiht": "exactly"})


def test_lines_of_business_are_those_served_or_all(database: Relations) -> None:
    assert rows_of(database, "serves", CENTENE, NOW) == {("commercial",), ("him",), ("medicaid",)}
    every = {("commercial",), ("him",), ("medicaid",), ("fep",)}
    assert rows_of(database, "serves", FEP, "2024-01-01") == every


def in_tree(version: Version) -> dict[str, set[str]]:
    """Return the criteria below the roots of a version, with all that is below each."""
    made_of = {section: branch.parts for section, branch in branches(version.program).items()}
    roots = {
        str(section)
        for root in ("pathway", "disposition")
        for _, section in version.program.arguments(root)
    }
    below: dict[str, set[str]] = {}

    def visit(section: str) -> set[str]:
        if section not in below:
            parts = made_of.get(section, ())
            below[section] = {*parts, *(deep for part in parts for deep in visit(part))}
        return below[section]

    for root in roots:
        visit(root)
    return below


def versions_of(*bases: KnowledgeBase) -> Iterator[tuple[Policy, Version, KnowledgeBase]]:
    for base in bases:
        for policy in base.policies.values():
            for version in policy.versions:
                yield policy, version, base


def test_sections_and_their_tree_are_those_in_force_in_each_version(
    kb: KnowledgeBase, example_kb: KnowledgeBase, database: Relations, example: Relations
) -> None:
    for policy, version, base in versions_of(kb, example_kb):
        of = database if base is kb else example
        tree = in_tree(version)
        where = policy.number, version.start
        texts = {row[0]: row[2] for row in rows_of(of, "section", *where)}
        provisions = {str(section) for _, section, _ in version.program.arguments("provision")}
        assert texts.keys() == tree.keys() | provisions
        assert all(version.texts[str(section)] == text for section, text in texts.items())
        below = {(section, part) for section, parts in tree.items() for part in parts}
        assert rows_of(of, "below", *where) == below
        made_of = branches(version.program)
        for section in tree:
            parts = {(row[1], row[0]) for row in rows_of(of, "part", *where, section)}
            branch = made_of.get(section)
            assert {part for part, _ in parts} == set(branch.parts if branch else ())
            if branch:
                (how,) = {how for _, how in parts}
                needed = rows_of(of, "needed_parts", *where, section)
                said = f"at least {next(iter(needed))[0]}" if needed else how
                assert said == branch.needs


def test_a_criterion_that_came_later_is_no_section_of_an_earlier_version(
    database: Relations,
) -> None:
    stated = {
        version: {row[0] for row in rows_of(database, "section", CENTENE, version)}
        for version in ("2022-08-01", "2023-08-01", "2024-08-01", NOW)
    }
    assert ["I.A.5.d" in sections for sections in stated.values()] == [False, False, False, True]
    assert ["I.A.5.c" in sections for sections in stated.values()] == [False, False, True, True]
    alone = "I.A.5 (dexamethasone alone)"
    assert [alone in sections for sections in stated.values()] == [True, False, False, False]


def test_kinds_of_sections_are_as_stated(database: Relations) -> None:
    kinds = {row[0]: row[1] for row in rows_of(database, "section", CENTENE, NOW)}
    assert {section for section, kind in kinds.items() if kind == "pathway"} == {
        *("I.A", "I.B", "I.C", "II.A")
    }
    assert {section for section, kind in kinds.items() if kind == "disposition"} == {
        *("I.D", "II.B", "III")
    }
    assert kinds["I.A.3"] == "criterion"
    assert kinds["V"] == "provision"


LIMITS = {
    FEP: {
        (pathway, line, "is", 12)
        for pathway in ("Prior-Approval", "Renewal")
        for line in ("commercial", "him", "medicaid", "fep")
    },
    CENTENE: {
        *(
            (pathway, line, "is", 6)
            for pathway in ("I.A", "I.B", "I.C")
            for line in ("medicaid", "him")
        ),
        *((pathway, "commercial", "at_most", 12) for pathway in ("I.A", "I.B", "I.C", "II.A")),
        *(("II.A", line, "is", 12) for line in ("medicaid", "him")),
    },
    EXAMPLE: {
        ("1", "medicaid", "is", 6),
        ("2", "medicaid", "is", 12),
        ("1", "commercial", "at_most", 12),
        ("2", "commercial", "at_most", 12),
    },
}


@pytest.mark.parametrize(
    ("policy", "version"), [(FEP, "2024-01-01"), (CENTENE, NOW), (EXAMPLE, "2025-01-01")]
)
def test_authorizations_are_those_of_the_documents(
    database: Relations, example: Relations, policy: str, version: str
) -> None:
    of = example if policy == EXAMPLE else database
    granted = rows_of(of, "authorization", policy, version)
    assert {row[1:] for row in granted} == LIMITS[policy]


def test_quantities_are_those_of_the_documents(database: Relations, example: Relations) -> None:
    found = rows_of(database, "quantity", CENTENE, NOW)
    assert {row[:2] for row in found} == {
        ("I.A.6.a", "I.A"),
        ("I.B.5", "I.B"),
        ("I.C.5", "I.C"),
        ("II.A.3.a", "II.A"),
    }
    assert {row[2:] for row in found} == {
        (line, 3, "capsule", 28) for line in ("commercial", "him", "medicaid")
    }
    assert not rows_of(database, "quantity", FEP)
    assert {row[2:] for row in rows_of(example, "quantity", EXAMPLE, "2025-01-01")} == {
        ("commercial", 21, "capsule", 28),
        ("medicaid", 21, "capsule", 28),
    }


def test_referrals_and_denials_are_those_of_the_documents(
    database: Relations, example: Relations
) -> None:
    off_label = {("CP.CPA.09",), ("HIM.PA.154",), ("CP.PMN.53",)}
    assert rows_of(database, "refers", CENTENE, NOW, "I.D.2") == off_label
    assert rows_of(database, "refers", CENTENE, NOW, "I.D.1.a") == {
        *(("CP.CPA.190",), ("HIM.PA.33",), ("CP.PMN.255",))
    }
    assert not rows_of(database, "refers", FEP)
    assert rows_of(database, "denies", FEP, "2024-01-01") == {
        ("Policy", "not_medically_necessary"),
        ("Policy.Other-Indications", "investigational"),
    }
    assert rows_of(example, "refers", EXAMPLE, "2025-01-01") == {("3.a", "EX-900")}
    assert rows_of(example, "denies", EXAMPLE, "2025-01-01") == {
        ("3", "investigational"),
        ("4", "not_medically_necessary"),
    }


def test_a_denial_that_only_another_reading_gives_is_no_row(kb: KnowledgeBase) -> None:
    """By default section III holds no referral back; read so that it does, it denies."""
    denying = {
        choice: {
            section
            for section, _ in rows_of(
                kb.relations(readings={"unlisted_uses": choice}), "denies", CENTENE, NOW
            )
        }
        for choice in ("does_not_block", "blocks")
    }
    assert "III.A" not in denying["does_not_block"]
    assert "III.A" in denying["blocks"]


def test_regimens_are_the_combinations_of_the_files_with_their_own_drug(
    kb: KnowledgeBase, database: Relations
) -> None:
    listed = rows_of(database, "lists", CENTENE, NOW)
    assert ("I.A.5.a", "dexamethasone + ixazomib + lenalidomide") in listed
    assert ("I.A.5.a", "cyclophosphamide + dexamethasone + ixazomib") in listed
    assert ("I.C.4", "dexamethasone + ixazomib + rituximab") in listed
    for regimen in database.values("regimen"):
        drugs = {drug for (drug,) in rows_of(database, "regimen", regimen)}
        assert " + ".join(sorted(map(str, drugs))) == regimen
        assert drugs <= kb.vocabulary.drugs.keys()
        assert "ixazomib" in drugs


def test_a_section_lists_regimens_only_in_versions_that_have_it(database: Relations) -> None:
    there = {row[:3] for row in database.rows("section")}
    worded = {(document, section) for document, _, section in there}
    listing = {row[:3] for row in database.rows("lists")}
    assert {each for each in listing if (each[0], each[2]) in worded} <= there
    dated = {version for _, version, section in listing if section == "I.A.5.c"}
    assert dated == {"2024-08-01", "2025-08-01"}


def test_readings_are_those_of_the_policies(kb: KnowledgeBase, database: Relations) -> None:
    for policy in kb.policies.values():
        readings = policy.readings.values()
        of = policy.number
        assert rows_of(database, "reading", of) == {(r.name, r.question) for r in readings}
        assert rows_of(database, "choice", of) == {
            (r.name, choice, text) for r in readings for choice, text in r.choices.items()
        }
        assert rows_of(database, "default_choice", of) == {(r.name, r.default) for r in readings}
        assert rows_of(database, "reading_section", of) == {
            (r.name, section) for r in readings for section in r.sections
        }


# Evidence


MIRRORED = sorted(
    (REFERENCE_STATEMENTS.keys() & relations().keys() & STATIC_STATEMENTS)
    - {"reference", "version", "source"}
)


@pytest.mark.parametrize("statement", MIRRORED)
def test_what_a_reference_states_is_a_row_with_its_version(
    kb: KnowledgeBase, database: Relations, statement: str
) -> None:
    stated = {
        (reference, version.start, *(str(argument) for argument in arguments))
        for reference, each in kb._library.references.items()
        for version in each.versions
        for _, *arguments in version.program.arguments(statement)
    }
    assert {tuple(map(str, row)) for row in database.rows(statement)} == stated


def test_every_statement_of_a_reference_has_its_relation() -> None:
    other = {
        "statement": "section",
        "combination": "lists",
        "interval": "lower_bound",
        "requires_all": "part",
        "requires_any": "part",
        "requires_none": "part",
    }
    for statement in REFERENCE_STATEMENTS:
        assert other.get(statement, statement) in relations(), statement


def test_bounds_of_an_interval_that_could_not_be_estimated_are_left_out(
    kb: KnowledgeBase, database: Relations
) -> None:
    stated = [
        (reference, version.start, section, level, low, high)
        for reference, each in kb._library.references.items()
        for version in each.versions
        for _, section, level, low, high in version.program.arguments("interval")
    ]
    for name, place in (("lower_bound", 4), ("upper_bound", 5)):
        known = {
            (*row[:3], Decimal(str(row[3])), Decimal(str(row[place])))
            for row in stated
            if row[place] != "not_estimable"
        }
        assert database.rows(name) == known


def test_uses_are_supported_and_limited_in_the_diagnoses_they_speak_of(database: Relations) -> None:
    amyloidosis = rows_of(database, "supports", "NCCN Systemic Light Chain Amyloidosis")
    assert {row[2] for row in amyloidosis} == {"al_amyloidosis"}
    waldenstrom = rows_of(database, "supports", "NCCN Waldenstrom Macroglobulinemia")
    both = {"waldenstrom_macroglobulinemia", "lymphoplasmacytic_lymphoma"}
    assert {row[2] for row in waldenstrom} == both
    label = "Ninlaro label", "2024-07-01"
    assert rows_of(database, "supports", *label) == {("Indication", "multiple_myeloma")}
    maintenance = rows_of(database, "limits", *label, "Limitations of Use.Maintenance")
    assert maintenance == {("multiple_myeloma",)}
    assert len(rows_of(database, "limits", *label, "Pediatric Use")) == 5


# The vocabulary, against the text of its files


def stated_in_files(statement: str) -> set[tuple[str, ...]]:
    """Return the arguments of facts in the files of the vocabulary, read without clingo."""
    text = "\n".join(
        re.sub(r"^%.*$", "", file.read_text(), flags=re.MULTILINE)
        for file in sorted((packaged.FOLDER / "vocabulary").glob("*.lp"))
    )
    found = re.findall(
        rf'^{statement}\(((?:"[^"]*"|[^":])*?)\)\.$', text, flags=re.MULTILINE | re.DOTALL
    )
    argument = re.compile(r'"((?:[^"\\]|\\.)*)"|([\w.-]+)')
    return {tuple(quoted or plain for quoted, plain in argument.findall(each)) for each in found}


@pytest.mark.parametrize(
    "statement",
    [
        *("drug", "brand", "class", "drug_class", "code"),
        *("diagnosis", "icd10_caution", "icd10_trap", "measurement"),
    ],
)
def test_drugs_diagnoses_and_codes_are_those_of_the_files(
    database: Relations, statement: str
) -> None:
    assert database.rows(statement) == stated_in_files(statement)
    assert database.rows(statement)


def test_codes_of_diagnoses_are_those_of_the_vocabulary(
    kb: KnowledgeBase, database: Relations
) -> None:
    diagnoses = kb.vocabulary.diagnoses.values()
    assert database.rows("icd10") == {
        (diagnosis.name, code, text)
        for diagnosis in diagnoses
        for code, text in diagnosis.icd10.items()
    }


def test_facts_are_those_of_the_vocabulary(kb: KnowledgeBase, database: Relations) -> None:
    facts = kb.vocabulary.facts.values()
    assert database.rows("fact") == {
        (fact.name, fact.kind, fact.changer, fact.title, fact.question) for fact in facts
    }
    assert database.rows("value") == {
        (fact.name, value, title) for fact in facts for value, title in (fact.options or {}).items()
    }
    assert database.rows("range") == {
        (fact.name, fact.unit, fact.number(fact.lowest), fact.number(fact.highest))
        for fact in facts
        if fact.unit
    }
    assert database.rows("contradiction") == set(kb.vocabulary.contradictions.items())


# Requirements


Hinge = tuple[str, str, str]


def hinges(policy: Policy, version: Version, kb: KnowledgeBase) -> dict[str, set[Hinge]]:
    """Return what each section hangs on, found by pairs of patients who differ in one unit alone.

    The circuit of the policy is asked, and no rule is read.
    """
    stated = Stated(policy, version, policy.default_readings)
    budget = Budget()
    budget.renew(100)
    population = Population([stated], kb.vocabulary, budget)
    (subject,) = population.subjects
    found: dict[str, set[Hinge]] = {}
    pathways = {*subject.pathways, *subject.dispositions}
    literals = [(section, subject.met(section)) for section in subject.roots_of]
    literals += [(section, subject.applies(section)) for section in pathways]
    for section, met in literals:
        hangs = found.setdefault(section, set())
        for place, domain in enumerate(population.circuit.domains):
            fact, member = domain.unit.fact, domain.unit.member
            for value in range(domain.size):
                having = population.circuit.holding(place, 1 << value)
                helps = population.anyone.neighbours(place, [met, having], [-met]) is not None
                hurts = population.anyone.neighbours(place, [-met, having], [met]) is not None
                if member is not None and value:
                    words = ("includes", "excludes", member)
                elif domain.names:
                    words = ("is", "is_not", domain.names[value])
                elif not domain.ordered and value:
                    words = ("is", "is", "true")
                else:
                    continue
                if helps:
                    hangs.add((fact, words[0], words[2]))
                if hurts:
                    against = "false" if words[2] == "true" else words[2]
                    hangs.add((fact, words[1], against))
    return found


def looked_at(of: Relations, policy: str, version: str, section: str) -> set[str]:
    """Return the sections that a section has below it, or cites, itself among them."""
    pending, seen = [section], set[str]()
    while pending:
        each = pending.pop()
        if each not in seen:
            seen.add(each)
            pending += [str(part) for (part,) in rows_of(of, "below", policy, version, each)]
            pending += [str(cited) for (cited,) in rows_of(of, "cites", policy, version, each)]
    return seen


def spoken_of(hinge: Hinge, asked: set[Hinge]) -> bool:
    """Whether what is asked says so: of a choice, to ask for one value speaks against the others."""
    fact, comparison, value = hinge
    opposite = {"is": "is_not", "is_not": "is"}.get(comparison)
    return hinge in asked or any(
        (other, how) == (fact, opposite) and said != value for other, how, said in asked
    )


@pytest.fixture(scope="module")
def hanging(
    kb: KnowledgeBase, example_kb: KnowledgeBase
) -> dict[tuple[str, str], dict[str, set[Hinge]]]:
    return {
        (policy.number, version.start): hinges(policy, version, base)
        for policy, version, base in versions_of(kb, example_kb)
    }


def test_sections_hang_on_nothing_that_their_rules_do_not_ask(
    hanging: dict[tuple[str, str], dict[str, set[Hinge]]], database: Relations, example: Relations
) -> None:
    for where, found in hanging.items():
        of = example if where[0] == EXAMPLE else database
        asked: dict[str, set[Hinge]] = {}
        for section, fact, comparison, value in rows_of(of, "requires_value", *where):
            asked.setdefault(str(section), set()).add((str(fact), str(comparison), str(value)))
        for section, hangs in found.items():
            sections = looked_at(of, *where, section)
            if len(sections) == 1:
                for hinge in hangs:
                    assert spoken_of(hinge, asked.get(section, set())), (where, section, hinge)
            # Another section may be asked to be met or not to be, and is made of several facts.
            facts = {fact for each in sections for fact, _, _ in asked.get(each, ())}
            assert {fact for fact, _, _ in hangs} <= facts, (where, section)


def test_rules_ask_nothing_that_their_sections_do_not_hang_on(
    hanging: dict[tuple[str, str], dict[str, set[Hinge]]], database: Relations, example: Relations
) -> None:
    """But for partners that one option of a section lists, and another does without."""
    optional = {("regimen", "includes", drug) for drug in ("bortezomib", "daratumumab")}
    for where, found in hanging.items():
        of = example if where[0] == EXAMPLE else database
        for section, *asked in rows_of(of, "requires_value", *where):
            if section in found and tuple(asked) not in found[str(section)]:
                assert (where[0], section) == (EXAMPLE, "1.e")
                assert tuple(asked) in optional


def test_rows_of_requirements_are_what_the_files_ask_in_so_many_words(
    database: Relations,
) -> None:
    def required(section: str) -> set[Row]:
        return rows_of(database, "requires_value", CENTENE, NOW, section) | rows_of(
            database, "requires_number", CENTENE, NOW, section
        )

    assert required("I.A") == {
        ("request", "is", "initial"),
        ("diagnosis", "is", "multiple_myeloma"),
    }
    assert required("I.A.2") == {
        ("prescriber", "is", "oncologist"),
        ("prescriber", "is", "hematologist"),
        ("specialist_consulted", "is", "true"),
    }
    assert required("I.A.3") == {("age", "at_least", 18)}
    assert required("I.A.5.b.ii (lines)") == {("prior_lines", "at_least", 2)}
    assert required("I.A.5.b.iii") == {("days_to_progression", "at_most", 60)}
    assert required("I.A.5.d (primary)") == {
        ("treatment_setting", "is", "primary"),
        ("transplant_candidate", "is", "false"),
        ("substitution_reason", "is", "intolerance"),
        ("substitution_reason", "is", "logistical"),
    }
    assert required("I.A.6.a") == {
        ("weekly_dose_mg", "at_most", 4),
        ("dosing_weeks", "at_most", 3),
        ("cycle_days", "at_least", 28),
    }
    assert required("I.D.2") == {("label_changed_recently", "is", "false")}
    venetoclax = {row for row in required("I.A.5.c") if row[1] == "includes"}
    assert venetoclax == {("regimen", "includes", d) for d in ("dexamethasone", "venetoclax")}


def test_another_drug_of_the_class_is_kept_out_below_a_negation(database: Relations) -> None:
    section = "Prior-Approval.b"
    assert rows_of(database, "requires_value", FEP, "2024-01-01", section) == {
        ("regimen", "excludes", "bortezomib"),
        ("regimen", "excludes", "carfilzomib"),
    }


def test_requirements_are_those_of_the_readings_as_chosen(kb: KnowledgeBase) -> None:
    """After six months counts six months by default; read otherwise it does not."""
    for choice, comparisons in (
        ("at_least_six", {("at_least", 6)}),
        ("more_than_six", {("more_than", 6)}),
    ):
        of = kb.relations(readings={"after_six_months": choice})
        found = rows_of(of, "requires_number", CENTENE, NOW, "I.A.5.d (relapse)")
        assert {row[1:] for row in found} == comparisons


def test_numbers_with_decimals_stay_exact(example: Relations) -> None:
    found = rows_of(example, "requires_number", EXAMPLE, "2025-01-01", "1.g.i")
    assert found == {("neutrophils", "at_least", Decimal("0.5"))}


def test_what_a_reference_asks_of_a_use_is_a_requirement_too(database: Relations) -> None:
    label = "Ninlaro label", "2024-07-01"
    assert rows_of(database, "requires_number", *label, "Indication") == {
        ("prior_lines", "at_least", 1)
    }
    assert rows_of(database, "requires_number", *label, "Pediatric Use") == {
        ("age", "less_than", 18)
    }


def test_asks_names_the_facts_of_both_kinds_of_requirements(database: Relations) -> None:
    values = {row[:4] for row in database.rows("requires_value")}
    numbers = {row[:4] for row in database.rows("requires_number")}
    assert database.rows("asks") == values | numbers


def test_sections_cite_the_others_that_their_rules_look_at(database: Relations) -> None:
    assert rows_of(database, "cites", CENTENE, NOW, "I.A.*") == {
        *(("I.A.5.a",), ("I.A.5.b",), ("I.A.5.c",))
    }
    assert rows_of(database, "cites", CENTENE, NOW, "I.B.*") == {("I.B.4",)}
    assert not rows_of(database, "cites", CENTENE, NOW, "I.A.5")
    # By default no rule of I.A.4 is waived, so it looks at no other section.
    assert not rows_of(database, "cites", CENTENE, NOW, "I.A.4")
