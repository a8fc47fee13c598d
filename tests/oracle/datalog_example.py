"""A database small enough to answer queries by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from engine.relation import Column, ColumnType, Relation, Row, Value

POLICY = Column("policy", domain="policy")
ROUTE = Column("route", domain="route")


def relation(name: str, *columns: Column) -> Relation:
    return Relation(name, columns, f"a row of {name}", "example")


RELATIONS = [
    relation("approves", POLICY, ROUTE, Column("diagnosis", domain="diagnosis")),
    relation("contains", ROUTE, Column("drug", domain="drug")),
    relation("needs", POLICY, ROUTE, Column("fact", domain="fact")),
    relation("authorizes", POLICY, ROUTE, Column("months", ColumnType.NUMBER)),
    relation("version", POLICY, Column("since", ColumnType.DATE)),
    relation("remark", Column("text")),
    relation("withdrawn", POLICY),
]
ROWS: dict[str, set[Row]] = {
    "approves": {
        ("A", "a1", "multiple_myeloma"),
        ("A", "a2", "multiple_myeloma"),
        ("B", "b1", "multiple_myeloma"),
        ("B", "b2", "al_amyloidosis"),
    },
    "contains": {
        ("a1", "pomalidomide"),
        ("b1", "pomalidomide"),
        ("a2", "dexamethasone"),
        ("b2", "dexamethasone"),
        ("a1", "dexamethasone"),
    },
    "needs": {("B", "b1", "t_11_14"), ("A", "a1", "age"), ("A", "a2", "age")},
    "authorizes": {
        ("A", "a1", 6),
        ("A", "a2", Decimal("6.0")),
        ("B", "b1", 12),
        ("B", "b2", Decimal("2.50")),
    },
    "version": {("A", "2025-01-01"), ("B", "2024-06-01"), ("A", "2023-08-01")},
    "remark": {('says "no"',), ("5",), ("back\\slash",), ("≥ 18",), ("__import__('os')",)},
    "withdrawn": set(),
}


@dataclass
class ExampleDatabase:
    """The relations above; `asked` lists those whose rows were asked for."""

    data: Mapping[str, set[Row]] = field(default_factory=lambda: ROWS)
    asked: list[str] = field(default_factory=list)

    @property
    def relations(self) -> Mapping[str, Relation]:
        return {relation.name: relation for relation in RELATIONS}

    def rows(self, name: str) -> frozenset[Row]:
        self.asked.append(name)
        return frozenset(self.data[name])

    def values(self, domain: str) -> frozenset[Value]:
        return frozenset(
            row[position]
            for each in RELATIONS
            for position, column in enumerate(each.columns)
            if column.domain == domain
            for row in self.data[each.name]
        )
