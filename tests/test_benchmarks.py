"""The benchmarks and the soak run, here on a small slice, from wherever they are called."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(script: str, *arguments: str, cwd: Path) -> str:
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_benchmark_compares_ways_that_agree(tmp_path: Path) -> None:
    shown = run("determine.py", "--cases", "5", "--rounds", "1", cwd=tmp_path)
    for way in ("hand-written Python", "policygrounds, outcome", "a new clingo Control"):
        assert way in shown


def test_the_benchmark_of_explanations_compares_ways_that_agree(tmp_path: Path) -> None:
    shown = run("explain.py", "--quick", cwd=tmp_path)
    for way in ("policygrounds, changes", "clingo, a loop", "clingo, domRec"):
        assert way in shown


def test_the_benchmark_of_a_library_compares_ways_that_agree(tmp_path: Path) -> None:
    shown = run("library.py", "--quick", cwd=tmp_path)
    for way in ("policygrounds, equivalent", ", one call"):
        assert way in shown


def test_the_benchmark_of_queries_compares_ways_that_agree(tmp_path: Path) -> None:
    shown = run("query_library.py", "--quick", cwd=tmp_path)
    for part in ("policygrounds / clingo", "sections_failed_most", "median ratio"):
        assert part in shown


def test_the_soak_finds_no_disagreement(tmp_path: Path) -> None:
    shown = run("soak.py", "--cases", "100", "--seed", "3", cwd=tmp_path)
    assert "0  disagreements" in shown


def test_the_soak_of_the_analysis_finds_no_disagreement(tmp_path: Path) -> None:
    arguments = ("--policies", "3", "--processes", "1", "--random-policies-only")
    assert "0  disagreements" in run("soak_analysis.py", *arguments, cwd=tmp_path)


def test_no_seeded_fault_is_missed(tmp_path: Path) -> None:
    arguments = ("--policy", "5.21.071", "--kind", "months changed", "--most", "1")
    shown = run("seeded_faults.py", *arguments, "--processes", "1", cwd=tmp_path)
    kinds = [line.split() for line in shown.splitlines() if line.startswith("months changed")]
    assert kinds == [["months", "changed", "1", "0", "0", "1", "1", "0", "0"]]
