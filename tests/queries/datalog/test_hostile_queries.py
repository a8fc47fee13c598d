"""Query text from someone who wants more than an answer: refused with a place, or read as plain text.

Every text here is refused by QueryError or stopped by a limit, unless it stands in quotes, where it is
a value like any other. A file that any of them might write, or a print, would show that code ran.
"""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from datalog_example import ROWS, ExampleDatabase

from facts.errors import QueryError, QueryLimitError
from queries.datalog import Limits, ask, check

LIMITS = Limits(seconds=2.0, memory=1 << 29)

PYTHON = [
    "__import__('os').system('touch pwned')",
    '__import__("os")',
    "remark(__import__)",
    "remark(X), eval(X)",
    "remark(X), exec(X)",
    "remark(X.__class__)",
    "remark(X).__class__",
    "remark(X) if True else remark(X)",
    "remark(lambda: 0)",
    "remark([X])",
    "remark({X})",
    "remark(X[0])",
    "remark(f'{X}')",
    'remark(f"{X}")',
    "remark('{0.__class__}'.format(X))",
    "remark('%s' % X)",
    "remark(X); import os",
    "import os",
    "print('pwned')",
    "open('pwned', 'w')",
    "remark(open(pwned))",
    "remark(X) and print(X)",
    "remark(X) or remark(X)",
    "remark(X := 1)",
    "@predicate remark(X)",
    "def remark(X): pass",
    "`touch pwned`",
    "$(touch pwned)",
    "remark(X) #{exit}",
    "remark(${X})",
    "remark($_X)",
]
PYDATALOG = [
    "remark(X) <= withdrawn(X)",
    "remark(X) & withdrawn(X)",
    "remark(X) | withdrawn(X)",
    "~remark(X)",
    "+remark(x)",
    "-remark(x)",
    "remark[X] == 1",
    "(remark[X] == len_(Y)) <= withdrawn(X)",
    "remark(X, sum_(X, for_each=X))",
    "remark(X) & (X._in((1,2)))",
    "_pyD_query1(X)",
    "_pyD_in(X, Y)",
    "ask(X)",
    "relation0(X)",
    "body0(X)",
    "remark(X), (X == 1)",
    "remark(X), X + 1 = X",
    "remark(X), X = X * 2",
    "remark(X), X = len_(X)",
    "remark(range(X))",
]
CLINGO = [
    '#include "/etc/passwd".',
    "#script (python) import os #end.",
    "#show remark/1.",
    "#external remark(X).",
    "{ remark(X) }",
    "remark(1..1000000000)",
    "remark(@system(X))",
    "remark(X) : withdrawn(X)",
    ":- remark(X).",
    "remark(X) :~ withdrawn(X).",
    "&diff { X }",
    "p0(X)",
    "%* remark(X) *% remark(",
    "remark(X), #count { X } > 1",
    "remark(a;b)",
    "remark(X), not not remark(X)",
    "-remark(X)",
]
SQL = [
    "remark(X)' OR 1=1 --",
    "remark(X); DROP TABLE remark",
    "SELECT * FROM remark",
    "remark(X) UNION remark(X)",
    "remark(X) limit 1; remark(X)",
]
TEXTS = [
    "remark(X)\0, withdrawn(X)",
    "\0",
    'remark(X), X = "a\0b"',
    "remark(\x1b[31mX)",
    "remark(X)\x0cwithdrawn(X)",
    "remark(X)\u2028withdrawn(X)",
    'remark("a\u202eb")',
    'remark("a\u200bb")',
    "% \u202e hidden\nremark(X)",
    "% hidden \r remark(Y)\nwithdrawn(X)",
    'remark("\ud800")',
    "rem\u0430rk(X)",
    "remark(\uff38)",
    "remark\uff08X)",
    "remark(X)\u037e",
    "\ufeffremark(X)",
    "remark(\u2018a\u2019)",
    "remark(\u201ca\u201d)",
    "remark(X), X \u2260 a",
    "remark(\u0663)",
    'remark("unclosed)',
    'remark("a\nb")',
    'remark("\\x41")',
    'remark("\\u0041")',
    'remark("a"b")',
    "remark('a')",
    '"remark"(X)',
    'remark(""""a"""")',
    'remark(X) % not closed "\n)',
    "remark(X",
    "remark)X(",
    "remark(,)",
    "remark()",
    "remark(X,)",
    ",remark(X)",
    "remark(X),,withdrawn(X)",
    "remark(X)..",
    ".",
    ")",
    "remark",
    "X",
    "_",
    "_(X)",
    "_remark(X)",
    "X(remark)",
    "not",
    "not not",
    "not(remark(X))",
    "?-",
    "?- ?- remark(X)",
    ":-",
    "a(X) :-",
    "a(X) :- b(X) :- c(X)",
]
SIZES = [
    "remark(" + "9" * 100_000 + ")",
    "authorizes(P, R, " + "9" * 10_000 + ")",
    "authorizes(P, R, 1e999999999)",
    "authorizes(P, R, 0x41)",
    "authorizes(P, R, 1_000)",
    "authorizes(P, R, 007)",
    "authorizes(P, R, .5)",
    "authorizes(P, R, 5.)",
    "authorizes(P, R, --5)",
    "authorizes(P, R, nan), inf(P)",
    "remark(" + "f(" * 5_000 + "X" + ")" * 5_000 + ")",
    "(" * 19_000,
    "remark(" + "(" * 5_000,
    ", ".join(["remark(X)"] * 1_000),
    ", ".join(["remark(X)"] * 1_000_000),
    "remark(" + ", ".join(f"X{i}" for i in range(2_000)) + ")",
    "remark(" + "X" * 15_000 + ")",
    "remark(" + "x" * 15_000 + ")",
    'remark("' + "x" * 15_000 + '")',
    "x" * 19_000 + "(X)",
    "%" * 30_000,
    "a(X) :- " + "remark(X), " * 300 + "remark(X). a(X)",
    " ".join(f"a{i}(X) :- remark(X)." for i in range(500)),
    "remark(X) limit -1",
    "remark(X) limit 99999999999999999999",
    "remark(X) limit 1e3",
    "remark(X) limit X",
    "remark(X) limit 0",
    "remark(X) sort by " + ", ".join(["X"] * 1_000),
    "contains(R, D), N = count(" + ", ".join(["R"] * 1_000) + ")",
]
LOGIC = [
    "a(X) :- a(X). a(X)",
    "a(X) :- b(X). b(X) :- a(X). a(X)",
    "a(X) :- remark(X), not a(X). a(X)",
    "a(X) :- remark(X), not b(X). b(X) :- remark(X), not a(X). a(X)",
    "a(N) :- a(M), N = count(M). a(N)",
    " ".join(f"a{i}(X) :- a{(i + 1) % 150}(X)." for i in range(150)) + " a0(X)",
    "not remark(X)",
    "X = X",
    "X = Y, Y = X",
    "X != a",
    "remark(X), not withdrawn(Y)",
    "remark(X), Y > a",
    "remark(X), N = count(count(X))",
    "remark(X), N = sum(X for X)",
    "remark(X), N = count(_)",
    "remark(X), N = count(a)",
    "remark(X), N = count()",
    "remark(X), X = count(X)",
    "remark(X), N = avg(X)",
    "remark(X), N = count(X), N = count(X)",
]
REFUSED = [*PYTHON, *PYDATALOG, *CLINGO, *SQL, *TEXTS, *SIZES, *LOGIC]


def named(text: str) -> str:
    return ascii(text[:40])


@pytest.mark.parametrize("text", REFUSED, ids=named)
def test_hostile_text_is_refused_at_once_with_a_place(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    start = time.perf_counter()
    with pytest.raises(QueryError) as error:
        ask(ExampleDatabase(), text, limits=LIMITS)
    assert time.perf_counter() - start < 2
    assert error.value.problems
    assert len(str(error.value)) < 20_000
    assert all(character.isprintable() or character == "\n" for character in str(error.value))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


QUOTED = [text for text in (*PYTHON, *PYDATALOG, *CLINGO, *SQL, *LOGIC) if len(text) < 1_000]


@pytest.mark.parametrize("text", QUOTED, ids=named)
def test_hostile_text_in_quotes_is_a_value_like_any_other(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    database = ExampleDatabase(ROWS | {"remark": {(text,), ("other",)}})
    answer = check(database, f"remark(T), T = {quoted}, remark({quoted})", limits=LIMITS)
    assert answer.rows == ((text,),)
    assert check(database, "remark($t)", parameters={"t": text}, limits=LIMITS).rows == ((),)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["$", "drug)", "__class__", "", "drug, remark(X)", "Drug", "d\0"], ids=named
)
def test_names_of_parameters_are_no_way_into_a_query(name: str) -> None:
    with pytest.raises(QueryError, match="there is no parameter"):
        ask(ExampleDatabase(), "remark(X)", parameters={name: "x"})


EXPLOSIONS = [
    ", ".join(f"approves(A{i}, B{i}, C{i})" for i in range(20)),
    ", ".join(f"approves(A{i}, B{i}, C{i})" for i in range(20)) + ", N = count(A0, A1, A2)",
    "a(X, Y, Z, W) :- n(X), n(Y), n(Z), n(W). a(X, Y, Z, W), not a(W, Z, Y, X)".replace(
        "n(", "remark("
    ),
    "a(X) :- " + ", ".join(f"remark(X{i})" for i in range(30)) + ", remark(X), X0 != X1. a(X)",
]


@pytest.mark.parametrize("text", EXPLOSIONS, ids=named)
def test_a_query_that_explodes_is_stopped(text: str) -> None:
    database = ExampleDatabase(ROWS | {"remark": {(f"text {i}",) for i in range(300)}})
    for asked in (ask, check):
        start = time.perf_counter()
        with pytest.raises(QueryLimitError, match="and was stopped"):
            asked(database, text, limits=replace(LIMITS, seconds=0.5))
        assert time.perf_counter() - start < 20
    assert ask(ExampleDatabase(), "contains(R, pomalidomide)").rows == (("a1",), ("b1",))
