"""Relations as pyDatalog's own predicates, for those who write Datalog in Python."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
PROGRAM = """
from datalog_example import ExampleDatabase
from pyDatalog import pyDatalog
from queries.datalog.evaluation import load_terms

approves, contains, needs = load_terms(ExampleDatabase(), "approves", "contains", "needs")
P, R, D, open_route = pyDatalog.create_terms("P, R, D, open_route")
print(sorted((approves(P, R, "multiple_myeloma") & contains(R, "pomalidomide")).data))
open_route(R) <= approves(P, R, D) & ~needs(P, R, "age")
print(sorted(open_route(R).data))
print(contains("a1", "pomalidomide") == [()], contains("a1", "bortezomib") == [()])
"""


def test_predicates_join_the_rows_of_relations_with_rules_of_ones_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'oracle'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "[('A', 'a1'), ('B', 'b1')]",
        "[('b1',), ('b2',)]",
        "True False",
    ]


KNOWLEDGE_BASE = """
from policygrounds import KnowledgeBase, UnknownRelationError
from pyDatalog import pyDatalog

kb = KnowledgeBase.load()
(drug_class,) = kb.predicates("drug_class")
D = pyDatalog.create_terms("D")
found = {drug for (drug,) in drug_class(D, "proteasome_inhibitor").data}
print(found == {drug.name for drug in kb.vocabulary.drugs.values() if "proteasome_inhibitor" in drug.classes})
try:
    kb.predicates("drug_clas")
except UnknownRelationError as error:
    print(error)
"""


def test_a_knowledge_base_gives_its_relations_as_predicates() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KNOWLEDGE_BASE],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "True",
        "relation 'drug_clas' is unknown; did you mean 'drug_class'?",
    ]
