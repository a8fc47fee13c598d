"""Relations on cases, against determinations and explanations of the same cases."""

import json
from pathlib import Path

import pytest
from related import rows_of

from engine.relations.database import NoCasesError, Relations
from engine.relations.definitions import relations, topics
from policygrounds import Case, KnowledgeBase

EXAMPLES = Path(__file__).parents[2] / "examples"
TODAY = "2026-02-01"
OF_CASES = [relation.name for relation in topics()["cases"].relations]
BORTEZOMIB_BEFORE: dict[str, object] = {
    "request": "initial",
    "line_of_business": "commercial",
    "age": 67,
    "diagnosis": "multiple_myeloma",
    "regimen": ["ixazomib", "lenalidomide", "dexamethasone"],
    "prior_lines": {"at_least": 1},
    "prior_drugs": {"includes": ["bortezomib"], "excludes": ["daratumumab"]},
    "prescriber": {"one_of": ["oncologist", "other"]},
    "specialist_consulted": False,
    "weekly_dose_mg": 2.3,
    "days_on_drug": {"at_most": 30},
}


def case(name: str, policy: str = "CP.PHAR.302", **facts: object) -> Case:
    return Case(id=name, policy=policy, on="2025-09-15", facts={**BORTEZOMIB_BEFORE, **facts})


def examples() -> list[Case]:
    read = [*json.loads((EXAMPLES / "vignettes.json").read_text())]
    read += [json.loads((EXAMPLES / f"{name}.json").read_text()) for name in ("partial", "denied")]
    read += json.loads((EXAMPLES / "records.json").read_text())
    return [Case.from_json(each) for each in read]


@pytest.fixture(scope="module")
def of_examples(kb: KnowledgeBase) -> Relations:
    return kb.relations(examples(), on=TODAY)


def test_relations_on_cases_say_so_if_there_are_none(kb: KnowledgeBase) -> None:
    without = kb.relations(on=TODAY)
    assert set(OF_CASES) <= without.relations.keys()
    with pytest.raises(NoCasesError, match="'status' is about cases, and no cases were given"):
        without.rows("status")
    assert without.values("case") == frozenset()


@pytest.mark.parametrize("name", OF_CASES)
def test_rows_on_cases_have_as_many_values_as_columns_and_values_of_their_domains(
    of_examples: Relations, name: str
) -> None:
    columns = relations()[name].columns
    for row in of_examples.rows(name):
        assert len(row) == len(columns)
        for value, column in zip(row, columns, strict=True):
            assert column.domain is None or value in of_examples.values(column.domain)


def test_facts_of_a_case_are_known_as_it_states_them(kb: KnowledgeBase) -> None:
    of = kb.relations([case("a")], on=TODAY)
    assert rows_of(of, "case", "a") == {("CP.PHAR.302", "2025-09-15")}
    values = rows_of(of, "known_value", "a")
    assert {row for row in values if row[0] != "regimen"} == {
        ("request", "is", "initial"),
        ("line_of_business", "is", "commercial"),
        ("diagnosis", "is", "multiple_myeloma"),
        ("prior_drugs", "includes", "bortezomib"),
        ("prior_drugs", "excludes", "daratumumab"),
        ("prescriber", "one_of", "oncologist"),
        ("prescriber", "one_of", "other"),
        ("specialist_consulted", "is", "false"),
    }
    drugs = kb.vocabulary.drugs.keys()
    given = {"ixazomib", "lenalidomide", "dexamethasone"}
    assert {row[1:] for row in values if row[0] == "regimen"} == {
        *(("includes", drug) for drug in given),
        *(("excludes", drug) for drug in drugs - given),
    }
    numbers = {(*row[:2], str(row[2])) for row in rows_of(of, "known_number", "a")}
    assert numbers == {
        *(("age", comparison, "67") for comparison in ("at_least", "at_most", "is")),
        ("prior_lines", "at_least", "1"),
        *(("weekly_dose_mg", comparison, "2.3") for comparison in ("at_least", "at_most", "is")),
        ("days_on_drug", "at_most", "30"),
    }
    stated = BORTEZOMIB_BEFORE.keys() - {"prior_lines", "prior_drugs", "prescriber", "days_on_drug"}
    unknown = {fact for (fact,) in rows_of(of, "unknown", "a")}
    assert unknown == kb.vocabulary.facts.keys() - stated


def test_a_case_without_a_date_is_a_request_of_the_day_of_the_query(kb: KnowledgeBase) -> None:
    dateless = Case(id="a", policy="CP.PHAR.302", facts={})
    for day, version in (("2025-07-31", "2024-08-01"), ("2025-08-01", "2025-08-01")):
        of = kb.relations([dateless], on=day)
        assert rows_of(of, "case", "a") == {("CP.PHAR.302", day)}
        assert rows_of(of, "determined", "a") == {("CP.PHAR.302", version, "pend")}


def test_determinations_are_those_of_the_knowledge_base(
    kb: KnowledgeBase, of_examples: Relations
) -> None:
    for each in examples():
        answer = kb.determine(each)
        name = str(each.id)
        assert rows_of(of_examples, "determined", name) == {
            (each.policy, answer.version, answer.outcome)
        }
        assert rows_of(of_examples, "possible", name) == {(o.value,) for o in answer.possible}
        assert rows_of(of_examples, "answered", name) == {
            *(("basis", basis) for basis in answer.basis),
            *(("pathway", pathway) for pathway in answer.pathways),
            *(("refer_to", target) for target in answer.refer_to),
        }
        months = answer.authorization.months
        assert rows_of(of_examples, "authorized", name) == {(m,) for m in months if m is not None}
        assert {fact for (fact,) in rows_of(of_examples, "matters", name)} == set(
            answer.unknown_that_matter
        )
        assert rows_of(of_examples, "depends_on", name) == {
            (r.name, r.other, r.outcome.value) for r in answer.readings
        }


def statuses(tree: object, found: dict[str, object]) -> None:
    assert isinstance(tree, dict)
    found[tree["section"]] = tree["status"]
    for part in tree["parts"]:
        statuses(part, found)


def test_what_records_show_is_what_the_json_form_says(
    kb: KnowledgeBase, of_examples: Relations
) -> None:
    with_records = [each for each in examples() if each.records]
    for each in with_records:
        answer = json.loads(json.dumps(kb.determine(each).to_json()))
        name = str(each.id)
        assert rows_of(of_examples, "derived", name) == {
            (derived["fact"], rule["name"])
            for derived in answer["derived"]
            for rule in derived["rules"]
        }
        assert rows_of(of_examples, "drawn_from", name) == {
            (derived["fact"], record)
            for derived in answer["derived"]
            for record in derived["records"]
        }
        assert rows_of(of_examples, "caution", name) == {
            (
                caution["kind"],
                "certain" if caution["certain"] else "possible",
                *(caution["source"][key] for key in ("document", "section")),
                caution["text"],
            )
            for caution in answer["cautions"]
        }
    told = {row[0] for name in ("derived", "caution") for row in of_examples.rows(name)}
    assert told == {str(each.id) for each in with_records if kb.determine(each).derivation}


def test_statuses_are_those_of_the_trees_in_the_json_form(
    kb: KnowledgeBase, of_examples: Relations
) -> None:
    for each in examples():
        form = kb.determine(each).to_json()
        found: dict[str, object] = {}
        routing = form["routing"]
        assert isinstance(routing, list)
        for tree in (form["criteria"], *routing):
            statuses(tree, found)
        found.pop(each.policy, None)
        assert rows_of(of_examples, "status", str(each.id)) == set(found.items())


@pytest.mark.parametrize(
    ("changed", "failed"),
    [
        ({}, set()),
        ({"age": 17}, {"I.A.3"}),
        ({"age": 18}, set()),
        ({"age": 17, "prior_lines": 0, "prior_drugs": []}, {"I.A.3", "I.A.4"}),
        # I.A.5 needs any of its parts: it fails itself, and with it the footnote does.
        (
            {"regimen": ["ixazomib"], "regimen_recommended": False, "treatment_setting": "subsequent",
             "disease_state": "refractory"},
            {"I.A.5", "I.A.*"},
        ),
    ],
)  # fmt: skip
def test_failed_sections_are_those_that_by_themselves_keep_a_case_from_approval(
    kb: KnowledgeBase, changed: dict[str, object], failed: set[str]
) -> None:
    facts = {**BORTEZOMIB_BEFORE, "prescriber": "oncologist", **changed}
    asked = Case(id="a", policy="CP.PHAR.302", on="2025-09-15", facts=facts)
    of = kb.relations([asked], on=TODAY)
    assert rows_of(of, "failed", "a", "I.A") == {(section,) for section in failed}


def test_only_the_pathways_are_failed_that_the_case_may_fall_under(kb: KnowledgeBase) -> None:
    open_case = Case(id="a", policy="5.21.071", on="2025-09-15", facts={"age": 17})
    of = kb.relations([open_case], on=TODAY)
    assert rows_of(of, "failed", "a") == {
        ("Prior-Approval", "Prior-Approval.Age"),
        ("Renewal", "Renewal.Age"),
    }


def test_a_contradiction_is_a_problem_and_nothing_is_failed(kb: KnowledgeBase) -> None:
    of = kb.relations([case("a", prior_lines=0)], on=TODAY)
    ((kind, text),) = rows_of(of, "problem", "a")
    assert kind == "contradiction"
    assert "prior_lines" in str(text)
    assert not rows_of(of, "failed", "a")
    assert rows_of(of, "determined", "a") == {("CP.PHAR.302", "2025-08-01", "pend")}


def test_cases_that_cannot_be_read_are_listed_and_the_others_answered(kb: KnowledgeBase) -> None:
    of = kb.relations(
        [
            case("good"),
            case("misspelt", agee=3),
            case("nowhere", policy="CP.PHAR.303"),
            Case(id="early", policy="5.21.071", on="2020-01-01", facts={}),
            case("good", age=3),
            Case(policy="5.21.071", on="2025-09-15", facts={}),
        ],
        on=TODAY,
    )
    assert {row[0] for row in of.rows("case")} == {"good", "case 6"}
    reasons = {str(name): str(text) for name, text in of.rows("unreadable")}
    assert reasons.keys() <= of.values("case")
    assert "did you mean 'age'" in reasons["misspelt"]
    assert "did you mean 'CP.PHAR.302'" in reasons["nowhere"]
    assert "no version covers 2020-01-01" in reasons["early"]
    assert "an earlier case has this id" in reasons["good"]
    assert rows_of(of, "known_number", "good", "age", "is") == {(67,)}


def test_changes_are_those_of_the_explanation(kb: KnowledgeBase, of_examples: Relations) -> None:
    changed = 0
    for each in examples():
        name = str(each.id)
        form = kb.explain(each).to_json()
        changes = form["changes"]
        assert isinstance(changes, list)
        changed += len(changes)
        efforts = {
            (f"{name}:{number}", found["effort"]) for number, found in enumerate(changes, start=1)
        }
        assert rows_of(of_examples, "change", name) == efforts
        for number, found in enumerate(changes, start=1):
            said: set[tuple[object, ...]] = set()
            for fact, value in found["facts"].items():
                if isinstance(value, bool):
                    said.add((fact, "is", str(value).lower()))
                elif "one_of" in value:
                    how = "is" if len(value["one_of"]) == 1 else "one_of"
                    said |= {(fact, how, one) for one in value["one_of"]}
                elif "add" in value:
                    said |= {(fact, "includes", member) for member in value["add"]}
                    said |= {(fact, "excludes", member) for member in value["remove"]}
            change = name, f"{name}:{number}"
            assert rows_of(of_examples, "change_value", *change) == said
            numbers = {
                (fact, end, bound)
                for fact, value in found["facts"].items()
                if isinstance(value, dict)
                for end, bound in value.items()
                if end in ("at_least", "at_most")
            }
            assert numbers <= {
                (*row[:2], row[2]) for row in rows_of(of_examples, "change_number", *change)
            }
    assert changed


def test_nothing_is_explained_or_determined_before_a_query_asks_for_it(
    kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    of = kb.relations([case("a")], on=TODAY)
    monkeypatch.setattr(kb, "explain", fail)
    assert of.rows("status")
    monkeypatch.setattr(kb, "determine", fail)
    assert kb.relations([case("a")], on=TODAY).rows("determined")
    with pytest.raises(AssertionError):
        of.rows("change")


def test_cases_are_decided_under_the_readings_as_chosen(kb: KnowledgeBase) -> None:
    renewal = {
        "request": "continuation", "diagnosis": "multiple_myeloma", "age": 60,
        "regimen": ["dexamethasone"], "progression": False, "unacceptable_toxicity": True,
    }  # fmt: skip
    asked = [Case(id="a", policy="5.21.071", on="2025-09-15", facts=renewal)]
    for choice, outcome in (("neither", "deny"), ("not_both", "approve")):
        of = kb.relations(asked, readings={"progression_or_toxicity": choice})
        assert rows_of(of, "determined", "a", "5.21.071", "2024-01-01") == {(outcome,)}
        assert rows_of(of, "possible", "a") == {(outcome,)}
