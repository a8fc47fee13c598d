"""The errors a caller can meet. Their texts are part of the interface and are tested."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


class PolicygroundsError(Exception):
    """The base of every error this project raises on purpose. All can be sent between processes."""

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(
    kind: type[PolicygroundsError], arguments: tuple[object, ...], fields: dict[str, object]
) -> PolicygroundsError:
    error = kind.__new__(kind)
    error.args = arguments
    error.__dict__.update(fields)
    return error


class CaseError(PolicygroundsError):
    """A case cannot be read; `problems` lists everything that is wrong with it."""

    def __init__(self, case: str | None, problems: Sequence[str]) -> None:
        self.case = case
        self.problems = tuple(problems)
        name = f"case {case}" if case is not None else "case without an id"
        super().__init__(f"{name}: " + "; ".join(self.problems))


class UnreadableInputError(PolicygroundsError):
    """A file of cases is not JSON, or not cases at all."""


class TableError(PolicygroundsError):
    """A table of cases cannot be read as one; `problems` lists what is wrong with its columns."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class FileProblem:
    """One thing wrong with a file of a knowledge base; lines and columns count from 1."""

    file: str
    line: int | None
    column: int | None
    message: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}: {self.message}"


class KnowledgeBaseError(PolicygroundsError):
    """A knowledge base cannot be loaded; `problems` lists what is wrong with its files."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class AcceptanceError(PolicygroundsError):
    """A file of accepted findings cannot be read; `problems` lists what is wrong with it."""

    def __init__(self, file: str, problems: Sequence[str]) -> None:
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in self.problems))


class UnknownPolicyError(PolicygroundsError):
    """No policy has that number."""

    def __init__(self, policy: str, known: Sequence[str]) -> None:
        self.policy = policy
        self.known = tuple(known)
        listed = f" (known: {', '.join(known)})" if known else ""
        super().__init__(
            f"policy {policy!r} is not in the knowledge base{did_you_mean(policy, known)}{listed}"
        )


class UncoveredDateError(PolicygroundsError):
    """The policy has no version in force on that date."""

    def __init__(self, policy: str, on: str, versions: Sequence[str]) -> None:
        self.policy = policy
        self.on = on
        self.versions = tuple(versions)
        super().__init__(
            f"policy {policy}: no version covers {on}; its versions are {', '.join(versions)}"
        )


class UnknownReadingError(PolicygroundsError):
    """The policy has no such reading, or the reading no such choice."""


class UnknownWantError(PolicygroundsError):
    """What is wanted is no outcome, and no part of an answer."""

    def __init__(self, wanted: str, meant: str) -> None:
        self.wanted = wanted
        super().__init__(
            f"{wanted!r} cannot be asked for{meant} (ask for approve, refer or deny, or for parts such as "
            "months=12, quantity=3, basis=investigational or refer_to=a policy)"
        )


class UnknownUnitError(PolicygroundsError):
    """A fact, or a member of one, that is not in the vocabulary."""


class MissingExtraError(PolicygroundsError):
    """What was asked for needs a package that an extra of this one installs."""

    def __init__(self, package: str, extra: str) -> None:
        self.package = package
        self.extra = extra
        super().__init__(
            f"this needs {package}, which is not installed; install policygrounds[{extra}], "
            f"such as by: pip install 'policygrounds[{extra}]'"
        )


@dataclass(frozen=True, slots=True)
class QueryProblem:
    """One thing wrong with a query; lines and columns count from 1.

    `excerpt` is the line and, below it, what marks the place.
    """

    source: str
    line: int
    column: int
    message: str
    excerpt: str = ""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}: {self.message}"
        return f"{place}\n{self.excerpt}" if self.excerpt else place


class QueryError(PolicygroundsError):
    """A query cannot be asked; `problems` lists what is wrong with it."""

    def __init__(self, problems: Sequence[QueryProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownRelationError(PolicygroundsError):
    """A relation that no query can ask about."""


class SavedQueryError(PolicygroundsError):
    """There is no such saved query, or its file cannot be read."""


class QueryLimitError(PolicygroundsError):
    """A query took more time, memory or rows than it may, and was stopped."""


class CrossCheckError(PolicygroundsError):
    """pyDatalog and clingo answer a query differently; neither answer is to be trusted."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the known name nearest to a misspelt one, as the end of a message."""
    nearest = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
