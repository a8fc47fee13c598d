"""Draw databases and safe queries at random, and write queries as text."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from datalog_reference import (
    DrawnAggregate,
    DrawnAtom,
    DrawnComparison,
    DrawnQuery,
    DrawnRule,
    Row,
    Term,
    Value,
)

from engine.relation import Column, ColumnType, Relation

Kind = tuple[ColumnType, str | None]

TEXTS = ["a", "b", "not", "Éa", 'a "b"', "a\\b", "5", "", "X", "%", "it's", "_", "a\nb", "count"]
WORDS = ["pom", "dex", "t_11_14", "ixa", "sort"]
DAYS = ["2023-12-31", "2024-01-01", "2024-02-29", "2025-01-01"]
NUMBERS = [0, 1, 2, 10, -3, 12, Decimal("2.0"), Decimal("0.5"), Decimal("2.50"), Decimal("-0.25")]
NUMBERS += [10**12, Decimal("3.000000000001")]
KINDS: dict[Kind, list[Any]] = {
    (ColumnType.TEXT, None): TEXTS,
    (ColumnType.TEXT, "drug"): WORDS,
    (ColumnType.DATE, None): DAYS,
    (ColumnType.NUMBER, None): NUMBERS,
}
NUMBER: Kind = (ColumnType.NUMBER, None)
SIGNS = ["=", "!=", "<", "<=", ">", ">="]
MOST_COMBINATIONS = 3_000
"""Choices of rows for the atoms of a rule that the reference may have to go through."""


@dataclass
class RandomDatabase:
    """A few small relations."""

    relations: Mapping[str, Relation]
    data: Mapping[str, set[Row]]

    def rows(self, name: str) -> frozenset[Row]:
        return frozenset(self.data[name])

    def values(self, domain: str) -> frozenset[Any]:
        assert domain == "drug"
        return frozenset(WORDS)


def draw_database(rng: random.Random) -> RandomDatabase:
    relations: dict[str, Relation] = {}
    data: dict[str, set[Row]] = {}
    for number in range(rng.randint(2, 4)):
        kinds = [rng.choice(list(KINDS)) for _ in range(rng.randint(1, 4))]
        columns = tuple(Column(f"c{i}", *kind) for i, kind in enumerate(kinds))
        name = f"r{number}"
        relations[name] = Relation(name, columns, "a row", "drawn")
        pools = [rng.sample(KINDS[kind], rng.randint(1, 4)) for kind in kinds]
        rows = (tuple(map(rng.choice, pools)) for _ in range(rng.choice([0, 1, 3, 6, 8])))
        data[name] = set(rows)
    return RandomDatabase(relations, data)


def draw_query(rng: random.Random, database: RandomDatabase) -> DrawnQuery:
    """Draw a query in which every variable is bound, with up to three relations of its own."""
    signatures: dict[str, tuple[Kind, ...]] = {
        name: tuple((column.type, column.domain) for column in relation.columns)
        for name, relation in database.relations.items()
    }
    sizes = {name: len(rows) for name, rows in database.data.items()}
    rules: list[DrawnRule] = []
    for number in range(rng.choice([0, 0, 1, 1, 2, 3])):
        name = f"local{number}"
        kinds, rule = _Draw(rng, signatures, sizes).rule(name, lists=False)
        signatures_of_rule = [rule]
        if rng.random() < 0.3:
            again = _alternative(rng, name, kinds, signatures, sizes)
            signatures_of_rule += [again] if again else []
        rules += signatures_of_rule
        signatures[name] = kinds
        sizes[name] = 6
    _, asked = _Draw(rng, signatures, sizes).rule("asked", lists=True)
    order = [
        (name, rng.random() < 0.5)
        for name in rng.sample(asked.head, rng.randint(0, len(asked.head)))
    ]
    limit = rng.randint(1, 6) if rng.random() < 0.3 else None
    return DrawnQuery((*rules, asked), tuple(order if rng.random() < 0.6 else []), limit)


def _alternative(
    rng: random.Random,
    name: str,
    kinds: tuple[Kind, ...],
    signatures: Mapping[str, tuple[Kind, ...]],
    sizes: Mapping[str, int],
) -> DrawnRule | None:
    """Draw another rule for a relation, if a few tries give one with columns of the same kinds."""
    for _ in range(20):
        found, rule = _Draw(rng, signatures, sizes).rule(name, lists=False)
        if found == kinds:
            return rule
    return None


@dataclass
class _Draw:
    """A rule that is being drawn, and the kinds of the variables that its atoms bind."""

    rng: random.Random
    signatures: Mapping[str, tuple[Kind, ...]]
    sizes: Mapping[str, int]
    bound: dict[str, Kind] = field(default_factory=dict)

    def rule(self, name: str, *, lists: bool) -> tuple[tuple[Kind, ...], DrawnRule]:
        rng = self.rng
        body: list[Any] = []
        combinations = 1
        for _ in range(rng.choice([1, 1, 2, 2, 3])):
            relation = rng.choice(list(self.signatures))
            combinations *= max(self.sizes[relation], 1)
            if combinations <= MOST_COMBINATIONS:
                body.append(self._atom(relation))
        if not self.bound:
            body.append(self._equal())
        body += [self._equal() for _ in range(rng.random() < 0.15)]
        if rng.random() < 0.4:
            body.append(self._negated())
        body += [self._comparison() for _ in range(rng.choice([0, 0, 1, 2]))]
        head = rng.sample(sorted(self.bound), rng.randint(1, min(4, len(self.bound))))
        free = sorted(set(self.bound) - set(head))
        kinds = dict(self.bound)
        if free and rng.random() < 0.5:
            for number in range(rng.choice([1, 1, 2])):
                part = self._aggregate(f"Z{number}", free, kinds, lists=lists)
                body.append(part)
                if rng.random() < 0.8:
                    head.insert(rng.randint(0, len(head)), part.result)
                if rng.random() < 0.2 and part.function != "list":
                    body.append(self._bounded(part.result, kinds[part.result]))
            if rng.random() < 0.2:
                head = [each for each in head if each.startswith("Z")] or head
        rng.shuffle(body)
        return tuple(kinds[each] for each in head), DrawnRule(name, tuple(head), tuple(body))

    def _variable(self, kind: Kind) -> str:
        letter = "TDYN"[list(KINDS).index(kind)]
        return letter + str(self.rng.randint(1, 3))

    def _value(self, kind: Kind) -> Value:
        return Value(self.rng.choice(KINDS[kind]))

    def _atom(self, relation: str) -> DrawnAtom:
        terms: list[Term] = []
        for kind in self.signatures[relation]:
            chance = self.rng.random()
            if chance < 0.15:
                terms.append("_")
            elif chance < 0.25:
                terms.append(self._value(kind))
            else:
                variable = self._variable(kind)
                self.bound[variable] = kind
                terms.append(variable)
        return DrawnAtom(relation, tuple(terms))

    def _some(self, kind: Kind) -> Term:
        """Choose a bound variable of a kind, or a value."""
        names = [name for name, other in sorted(self.bound.items()) if other == kind]
        return self.rng.choice(names) if names and self.rng.random() < 0.7 else self._value(kind)

    def _negated(self) -> DrawnAtom:
        relation = self.rng.choice(list(self.signatures))
        terms = [
            "_" if self.rng.random() < 0.25 else self._some(kind)
            for kind in self.signatures[relation]
        ]
        return DrawnAtom(relation, tuple(terms), negated=True)

    def _equal(self) -> DrawnComparison:
        """Bind a variable, or compare one that is bound, by an equality."""
        kind = self.rng.choice(list(KINDS))
        variable, other = self._variable(kind), self._some(kind)
        if variable not in self.bound and isinstance(other, Value) and kind[1] is not None:
            kind = (ColumnType.TEXT, None)  # that a text is a drug, no column tells
            variable = self._variable(kind)
        if variable not in self.bound and isinstance(other, Value) and kind[0] is ColumnType.DATE:
            kind = NUMBER
            variable, other = self._variable(kind), self._some(kind)
        self.bound.setdefault(variable, kind)
        sides = [variable, other]
        self.rng.shuffle(sides)
        return DrawnComparison(sides[0], "=", sides[1])

    def _comparison(self) -> DrawnComparison:
        name, kind = self.rng.choice(sorted(self.bound.items()))
        sides: list[Term] = [name, self._some(kind)]
        self.rng.shuffle(sides)
        return DrawnComparison(sides[0], self.rng.choice(SIGNS), sides[1])

    def _bounded(self, name: str, kind: Kind) -> DrawnComparison:
        return DrawnComparison(name, self.rng.choice(SIGNS), self._value(kind))

    def _aggregate(
        self, result: str, free: Sequence[str], kinds: dict[str, Kind], *, lists: bool
    ) -> DrawnAggregate:
        rng = self.rng
        numbers = [name for name in free if kinds[name] == NUMBER]
        functions = ["count", "min", "max"] + (["sum"] * 3 if numbers else []) + ["list"] * lists
        function = rng.choice(functions)
        first = rng.choice(numbers if function == "sum" else free)
        over: tuple[str, ...] = (first,)
        if function == "sum":
            over = (first, *rng.sample(free, rng.randint(1, min(2, len(free)))))
        elif function == "count":
            over = tuple(rng.sample(free, rng.randint(1, min(3, len(free)))))
        kinds[result] = NUMBER if function in ("count", "sum") else kinds[first]
        return DrawnAggregate(result, function, over)


def text_of(rng: random.Random, query: DrawnQuery) -> str:
    """Write a query, with one of several ways to lay it out; the head of the last rule may be left out."""
    space = rng.choice([" ", "  ", "\n  ", " % a remark, with 'quotes' and p(X).\n"])
    statements = [
        f"{rule.relation}({', '.join(rule.head)}) :- {_body(rule, space)}." for rule in query.rules
    ]
    last = query.rules[-1]
    if list(last.head) == _unnamed_columns(last) and rng.random() < 0.9:
        statements[-1] = rng.choice(["", "?- "]) + _body(last, space)
    else:
        statements[-1] = statements[-1][:-1]
    if query.order:
        keys = [
            name + (" desc" if descending else rng.choice(["", " asc"]))
            for name, descending in query.order
        ]
        statements[-1] += f" sort by {', '.join(keys)}"
    if query.limit is not None:
        statements[-1] += f" limit {query.limit}"
    statements[-1] += rng.choice(["", "."])
    return "\n".join(statements)


def _unnamed_columns(rule: DrawnRule) -> list[str]:
    """List the variables in their order, without those that are aggregated."""
    names: list[str] = []
    over = {name for part in rule.body if isinstance(part, DrawnAggregate) for name in part.over}
    for part in rule.body:
        match part:
            case DrawnAtom():
                terms: Sequence[Term] = part.terms
            case DrawnComparison():
                terms = (part.left, part.right)
            case DrawnAggregate():
                terms = (part.result,)
        names += [term for term in terms if isinstance(term, str) and term != "_"]
    return [name for name in dict.fromkeys(names) if name not in over]


def _body(rule: DrawnRule, space: str) -> str:
    return f",{space}".join(map(_part, rule.body))


def _part(part: DrawnAtom | DrawnComparison | DrawnAggregate) -> str:
    match part:
        case DrawnAtom():
            listed = ", ".join(map(_term, part.terms))
            return ("not " if part.negated else "") + f"{part.relation}({listed})"
        case DrawnComparison():
            return f"{_term(part.left)} {part.sign} {_term(part.right)}"
        case DrawnAggregate():
            first, *others = part.over
            if part.function == "sum":
                return f"{part.result} = sum({first} for {', '.join(others)})"
            return f"{part.result} = {part.function}({', '.join(part.over)})"


def _term(term: Term) -> str:
    if isinstance(term, str):
        return term
    value = term.value
    if not isinstance(value, str):
        return str(value)
    if value in WORDS or value in ("a", "b"):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
