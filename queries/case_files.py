"""Files of cases, read to be asked about together: each case under a name of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.relation import Database
from facts.case import Case
from facts.errors import CaseError, UnreadableInputError
from facts.readers import read_cases
from queries.shell import opened, shown


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """What was read: the cases, the place of each by its id, and what is wrong with the others."""

    cases: tuple[Case, ...]
    places: Mapping[str, str]
    problems: tuple[str, ...]

    def problems_in(self, database: Database) -> Iterator[str]:
        """Yield what is wrong with cases, those that the database could not decide on included."""
        yield from self.problems
        for name, text in sorted(database.rows("unreadable")) if self.cases else ():
            yield f"{self.places[str(name)]}: {text}"


def read_case_files(files: Iterable[Path]) -> CaseFiles:
    """Read the cases of some files; one without an id is named by its number among all.

    Raises UnreadableInputError for a file that cannot be read, or holds no cases at all.
    """
    cases: list[Case] = []
    places: dict[str, str] = {}
    problems: list[str] = []
    for place, case in _read(files):
        if isinstance(case, CaseError):
            problems.append(f"{place}: {case}")
            continue
        name = str(case.id) if case.id is not None else f"case {len(cases) + 1}"
        if name in places:
            problems.append(f"{place}: case {name}: another has this id, in {places[name]}")
            continue
        places[name] = place
        cases.append(replace(case, id=name))
    return CaseFiles(tuple(cases), places, tuple(problems))


def _read(files: Iterable[Path]) -> Iterator[tuple[str, Case | CaseError]]:
    for file in files:
        try:
            with opened(file) as stream:
                for read in read_cases(stream):
                    yield f"{shown(file)}, {read.place}", read.case
        except UnreadableInputError as error:
            raise UnreadableInputError(f"{shown(file)}: {error}") from None
