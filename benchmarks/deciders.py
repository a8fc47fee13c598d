"""Other ways to decide one case: packages that evaluate rules, and solvers.

Each is prepared once from the formula of a policy version and then called with the facts of one
case after another, in the JSON form; it returns the outcome, or pend where the case contradicts
itself. What a case is turned into on the way is part of the time. Solvers also decide cases with
unknown facts exactly: they find an outcome that is possible, and ask whether it could be another.

The packages are not needed by the product. They are imported here and nowhere else, and left out if
they are not installed. How each is used is what took least time of what was tried.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from itertools import count, pairwise
from operator import itemgetter
from typing import Any

from case_solvers import MISSING_SOLVERS, solvers
from formula import (
    PEND,
    CaseFacts,
    Decider,
    Formula,
    Gate,
    TextWriter,
    Writer,
    imported,
    labelled,
)

from engine.circuit import Literal
from facts.vocabulary import Kind

_MODULES = {
    "datalogic-py": "datalogic_py",
    "zen-engine": "zen",
    "cedarpy": "cedarpy",
    "clipspy": "clips",
    "pyDatalog": "pyDatalog.pyEngine",
}
_PACKAGES = {package: imported(module) for package, module in _MODULES.items()}
_JSONLOGIC, _ZEN, _CEDAR, _CLIPS, _DATALOG = _PACKAGES.values()
MISSING = [*(package for package, module in _PACKAGES.items() if not module), *MISSING_SOLVERS]
"""The packages of peers that are not installed."""


def complete(formula: Formula) -> dict[str, Decider]:
    """Prepare every way to decide a complete case that there is."""
    ways: dict[str, Decider] = {"generated Python, no checks": generated_python(formula)}
    if _JSONLOGIC:
        ways[labelled("datalogic-py")] = json_logic(formula)
    if _ZEN:
        ways[labelled("zen-engine", "expression")] = zen_expression(formula)
        ways[labelled("zen-engine", "decision")] = zen_decision(formula)
    if _CEDAR:
        ways[labelled("cedarpy")] = cedar(formula)
    if _CLIPS:
        ways[labelled("clipspy")] = clips(formula)
    if _DATALOG:
        ways[labelled("pyDatalog")] = PyDatalog(formula).decide
    return ways | {name: solver.decide for name, solver in solvers(formula)}


def partly_known(formula: Formula) -> dict[str, Decider]:
    """Prepare every way to decide a case with unknown facts exactly that there is."""
    return {name: solver.settle for name, solver in solvers(formula)}


# --- Languages of expressions ---------------------------------------------------------------


class _Python(TextWriter):
    """Python, over local variables named like the facts."""


def generated_python(formula: Formula) -> Decider:
    """Generate straight-line Python, which looks each fact up once and checks nothing."""
    writer = _Python(formula)
    lines = [
        f"{name} = frozenset(facts['{name}'])"
        if fact.kind is Kind.SET
        else f"{name} = facts['{name}']"
        for name, fact in formula.asked.items()
    ]

    def named(number: int, expression: str) -> str:
        lines.append(f"g{number} = {expression}")
        return f"g{number}"

    for literal, word in formula.chain:
        writer.share([literal], named)
        lines.append(f"if {writer.write(literal)}: return '{word}'")
    lines.append(f"return '{formula.last}'")
    body = "\n    ".join(lines)
    scope: dict[str, Any] = {}
    exec(f"def decide(facts):\n    {body}\n", scope)  # noqa: S102  (our own text)
    return scope["decide"]  # type: ignore[no-any-return]


class _JsonLogic(Writer[Any]):
    """JSONLogic: a tree, in which what is shared is written again."""

    def truth(self, fact: str) -> Any:
        return {"var": fact}

    def member(self, fact: str, name: str) -> Any:
        return {"in": [name, {"var": fact}]}

    def choice(self, fact: str, names: Sequence[str]) -> Any:
        if len(names) == 1:
            return {"===": [{"var": fact}, names[0]]}
        return {"in": [{"var": fact}, list(names)]}

    def at_least(self, fact: str, number: float) -> Any:
        return {">=": [{"var": fact}, number]}

    def constant(self, *, holds: bool) -> Any:
        return holds

    def negation(self, operand: Any) -> Any:
        return {"!": [operand]}

    def conjunction(self, operands: Sequence[Any]) -> Any:
        return {"and": list(operands)}

    def disjunction(self, operands: Sequence[Any]) -> Any:
        return {"or": list(operands)}


def json_logic(formula: Formula) -> Decider:
    """Compile one rule of JSONLogic, and evaluate it in a session."""
    writer = _JsonLogic(formula)
    asked = [part for literal, word in formula.chain for part in (writer.write(literal), word)]
    rule = {"if": [*asked, formula.last]}
    engine = _JSONLOGIC.Engine()
    compiled, session = engine.compile(rule), engine.session()
    return partial(session.evaluate, compiled)


class _Zen(TextWriter):
    """ZEN's expression language."""

    constants = ("false", "true")

    def choice(self, fact: str, names: Sequence[str]) -> str:
        if len(names) == 1:
            return f"({fact} == '{names[0]}')"
        listed = ", ".join(f"'{name}'" for name in names)
        return f"({fact} in [{listed}])"


def _zen_conditional(formula: Formula, writer: _Zen) -> str:
    asked = (f"{writer.write(literal)} ? '{word}' : " for literal, word in formula.chain)
    return "".join(asked) + f"'{formula.last}'"


def zen_expression(formula: Formula) -> Decider:
    """Compile one expression of ZEN; what is shared is assigned to a name first."""
    writer, assigned = _Zen(formula), list[str]()

    def named(number: int, expression: str) -> str:
        assigned.append(f"g{number} = {expression}; ")
        return f"g{number}"

    writer.share(formula.roots, named)
    text = "".join(assigned) + _zen_conditional(formula, writer)
    return _ZEN.compile_expression(text).evaluate  # type: ignore[no-any-return]


def zen_decision(formula: Formula) -> Decider:
    """Build a decision graph of input, expressions and output; what is shared has a key."""
    writer, keyed = _Zen(formula), list[tuple[str, str]]()

    def named(number: int, expression: str) -> str:
        keyed.append((f"g{number}", expression))
        return f"$.g{number}"

    writer.share(formula.roots, named)
    keyed.append(("outcome", _zen_conditional(formula, writer)))
    expressions = [{"id": key, "key": key, "value": value} for key, value in keyed]
    kinds = ("inputNode", "expressionNode", "outputNode")
    graph = {
        "nodes": [
            {
                "id": kind,
                "name": kind,
                "type": kind,
                "content": {"expressions": expressions} if kind == "expressionNode" else {},
            }
            for kind in kinds
        ],
        "edges": [
            {"id": one, "type": "edge", "sourceId": one, "targetId": other}
            for one, other in pairwise(kinds)
        ],
    }
    evaluate = _ZEN.ZenEngine().create_decision(json.dumps(graph)).evaluate
    return lambda facts: evaluate(facts)["result"]["outcome"]


class _Cedar(TextWriter):
    """Cedar, over the context of a request; it has no decimals, so numbers are in steps."""

    both, either, no = " && ", " || ", "!"
    constants = ("false", "true")

    def truth(self, fact: str) -> str:
        return f"context.{fact}"

    def member(self, fact: str, name: str) -> str:
        return f'context.{fact}.contains("{name}")'

    def choice(self, fact: str, names: Sequence[str]) -> str:
        if len(names) == 1:
            return f'(context.{fact} == "{names[0]}")'
        listed = ", ".join(f'"{name}"' for name in names)
        return f"[{listed}].contains(context.{fact})"

    def at_least(self, fact: str, number: float) -> str:
        steps = round(number * 10 ** self.formula.asked[fact].decimals)
        return f"(context.{fact} >= {steps})"


def cedar(formula: Formula) -> Decider:
    """Parse one policy set: an outcome permits, a contradiction forbids, nothing is the last.

    Which policy decided is told beside the decision, so one request settles all.
    """
    writer, last = _Cedar(formula), formula.last
    policies = _CEDAR.PolicySet.from_str(
        "".join(
            f"{'forbid' if word == PEND else 'permit'} (principal, action, resource)"
            f" when {{ {writer.write(literal)} }};\n"
            for literal, word in formula.chain
        )
    )
    words = {f"policy{place}": word for place, (_, word) in enumerate(formula.chain)}
    entities = _CEDAR.Entities.from_json_str("[]")
    names = tuple(formula.asked)
    values = itemgetter(*names)
    scales = [(name, 10**fact.decimals) for name, fact in formula.asked.items() if fact.decimals]
    request = {"principal": 'Plan::"p"', "action": 'Action::"decide"', "resource": 'Drug::"d"'}
    is_authorized = _CEDAR.is_authorized

    def decide(facts: CaseFacts) -> str:
        context: dict[str, Any] = dict(zip(names, values(facts), strict=True))
        for name, scale in scales:
            context[name] = round(context[name] * scale)
        result = is_authorized({**request, "context": context}, policies, entities)
        for reason in result.diagnostics.reasons:
            return words[reason]
        if result.diagnostics.errors:
            raise ValueError(result.diagnostics.errors)
        return last

    return decide


# --- Rules that derive facts ----------------------------------------------------------------


_KEPT: list[Any] = []
"""Environments of CLIPS, which complains of memory that it did not get back when one ends."""


class _Clips(TextWriter):
    """Tests of CLIPS on the slots of a case."""

    constants = ("FALSE", "TRUE")

    def truth(self, fact: str) -> str:
        return f"(eq ?{fact} TRUE)"

    def member(self, fact: str, name: str) -> str:
        return f"(member$ {name} ?{fact})"

    def choice(self, fact: str, names: Sequence[str]) -> str:
        return (
            f"(eq ?{fact} {names[0]})"
            if len(names) == 1
            else f"(member$ ?{fact} (create$ {' '.join(names)}))"
        )

    def at_least(self, fact: str, number: float) -> str:
        return f"(>= ?{fact} {number})"

    def negation(self, operand: str) -> str:
        return f"(not {operand})"

    def conjunction(self, operands: Sequence[str]) -> str:
        return f"(and {' '.join(operands)})"

    def disjunction(self, operands: Sequence[str]) -> str:
        return f"(or {' '.join(operands)})"


def clips(formula: Formula) -> Decider:
    """Derive a fact for each shared gate and all above, by rules that fire level by level.

    A gate without such a part is one test on the case. The outcome is a global variable, which a
    reset gives the outcome that is left.
    """
    environment = _CLIPS.Environment()
    _KEPT.append(environment)
    for construct in _clips_constructs(formula):
        environment.build(construct)
    symbol = _CLIPS.Symbol
    symbols = {name: symbol(name) for fact in formula.asked.values() for name in fact.values}
    template = environment.find_template("case")
    outcome = environment.find_global("outcome")
    booleans, choices, sets, numbers = (
        [name for name, fact in formula.asked.items() if fact.kind is kind]
        for kind in (Kind.BOOLEAN, Kind.CHOICE, Kind.SET, Kind.NUMBER)
    )
    plain = (*booleans, *numbers)

    def decide(facts: Mapping[str, Any]) -> str:
        environment.reset()
        slots: dict[str, Any] = {name: facts[name] for name in plain}
        for name in choices:
            slots[name] = symbols[facts[name]]
        for name in sets:
            slots[name] = [symbols[member] for member in facts[name]]
        template.assert_fact(**slots)
        environment.run()
        return str(outcome.value)

    return decide


def _clips_constructs(formula: Formula) -> Iterator[str]:
    slots = (
        f"({'multislot' if fact.kind is Kind.SET else 'slot'} {name})"
        for name, fact in formula.asked.items()
    )
    yield f"(deftemplate case {' '.join(slots)})"
    yield f"(defglobal ?*outcome* = {formula.last})"
    writer, derived = _Clips(formula), set[int]()

    def condition(literals: Iterable[Literal]) -> str:
        """Ask for derived facts, and test the rest on the case."""
        tests, patterns = [], []
        for literal in literals:
            if abs(literal) in derived:
                pattern = f"(g{abs(literal)})"
                patterns.append(pattern if literal > 0 else f"(not {pattern})")
            else:
                tests.append(writer.write(literal))
        text = " ".join(tests)
        asked = sorted(set(re.findall(r"\?(\w+)", text)))
        slots = " ".join(
            f"({name} {'$' if formula.asked[name].kind is Kind.SET else ''}?{name})"
            for name in asked
        )
        return " ".join([f"(case {slots})", *(f"(test {test})" for test in tests), *patterns])

    rules = 0
    for number in formula.cone(formula.roots):
        node = formula.nodes[number]
        if isinstance(node, Gate):
            over = any(abs(literal) in derived for literal in node.literals)
            if over or number in formula.shared:
                for body in [node.literals] if node.every else [[each] for each in node.literals]:
                    rules += 1
                    yield (
                        f"(defrule r{rules} (declare (salience {-10 * formula.levels[number]}))"
                        f" {condition(body)} => (assert (g{number})))"
                    )
                derived.add(number)
    for literal, word in formula.chain:
        level = formula.levels.get(abs(literal), 0)
        yield (
            f"(defrule {word} (declare (salience {-10 * level - 1}))"
            f" {condition([literal])} => (bind ?*outcome* {word}) (halt))"
        )


class PyDatalog:
    """pyDatalog: a rule for each way in which a gate can hold, and terms instead of text.

    The sources that hold in a case come from a resolver, as asserting and retracting them takes
    longer. Every predicate has one term, which is the same throughout.
    """

    _instances = count()

    def __init__(self, formula: Formula) -> None:
        import_module("pyDatalog.Logic").Logic(True)  # noqa: FBT003  # its way to begin in a thread
        self._prefix = f"policy{next(self._instances)}node"
        self._one, add = _DATALOG.Const(1), _DATALOG.assert_
        self._holding: set[int] = set()
        self._sources = _Sources(formula)
        for number in formula.cone(formula.roots):
            node = formula.nodes[number]
            if isinstance(node, Gate):
                for body in [node.literals] if node.every else [[each] for each in node.literals]:
                    asked = [self._goal(literal) for literal in body]
                    add(_DATALOG.Clause(self._goal(number), asked))
            else:
                resolver = f"{self._prefix}{number}/1"
                _DATALOG.Python_resolvers[resolver] = partial(self._resolve, number)
        self._chain = [(self._goal(literal), word) for literal, word in formula.chain]
        self._last = formula.last

    def _goal(self, literal: Literal) -> Any:
        sign = "" if literal > 0 else "~"
        return _DATALOG.Literal(f"{sign}{self._prefix}{abs(literal)}", [self._one])

    def _resolve(self, number: int, _: Any) -> Sequence[tuple[int]]:
        return ((1,),) if number in self._holding else ()

    def decide(self, facts: CaseFacts) -> str:
        """Ask for one outcome after the other."""
        self._holding = self._sources.holding(facts)
        return next((word for goal, word in self._chain if goal.ask()), self._last)


class _Sources:
    """Which sources of a formula hold for each value of a fact."""

    def __init__(self, formula: Formula) -> None:
        self._named: list[tuple[str, dict[object, list[int]]]] = []
        self._members: list[tuple[str, dict[str, list[int]]]] = []
        self._numbers: list[tuple[str, tuple[float, ...], list[list[int]]]] = []
        for name, fact in formula.asked.items():
            if fact.kind is Kind.SET:
                members = {
                    str(formula.domains[place].unit.member): formula.holding(place, 1)
                    for place in formula.places[name]
                }
                self._members.append((name, members))
                continue
            (place,) = formula.places[name]
            domain = formula.domains[place]
            holding = [formula.holding(place, value) for value in range(domain.size)]
            if fact.kind is Kind.NUMBER:
                self._numbers.append((name, tuple(map(fact.number, domain.cuts)), holding))
            else:
                values = domain.names or (False, True)
                self._named.append((name, dict(zip(values, holding, strict=True))))

    def holding(self, facts: Mapping[str, Any]) -> set[int]:
        """Return the sources that hold in a complete case."""
        found = set[int]()
        for name, values in self._named:
            found.update(values[facts[name]])
        for name, members in self._members:
            for member in facts[name]:
                found.update(members.get(member, ()))
        for name, cuts, intervals in self._numbers:
            found.update(intervals[bisect_right(cuts, facts[name])])
        return found
