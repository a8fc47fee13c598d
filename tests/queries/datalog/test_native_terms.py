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
