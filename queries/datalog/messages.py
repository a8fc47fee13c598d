"""Messages: what is asked of the child process that evaluates queries, and what it replies."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.datalog import Cell, Query
from engine.relation import Row


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may take: seconds, bytes of memory, and rows of its answer."""

    seconds: float = 30.0
    memory: int = 2 << 30
    rows: int = 1_000_000

    def __post_init__(self) -> None:
        if min(self.seconds, self.memory, self.rows) <= 0:
            raise ValueError("limits of time, memory and rows are above 0")


@dataclass(frozen=True, slots=True)
class Request:
    """A query over tables, for one of the engines."""

    engine: str
    query: Query
    tables: Mapping[str, frozenset[Row]]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Reply:
    """The rows of a query in their order, or how many too many they are, or what failed."""

    rows: list[tuple[Cell, ...]]
    count: int = 0
    out_of_memory: bool = False
    failure: str | None = None
