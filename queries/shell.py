"""What every command shares: its options, its input and output, and how errors end it."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import wrap_file

from engine.policy import Policy
from facts.case import Case, read_date
from facts.errors import (
    CaseError,
    PolicygroundsError,
    UnknownReadingError,
    UnreadableInputError,
    did_you_mean,
)
from facts.readers import Read, read_cases
from queries.knowledge_base import KnowledgeBase, readings_of
from queries.terminal import printable, show_error

BAD_INPUT = 2
UNWRAPPED = 10_000
"""Columns; wider than any line."""
LONG_INPUT = 200_000
"""Bytes from which on a file of cases gets a progress bar."""

folders_option = click.option(
    "--kb",
    "folders",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Use the policies below DIR instead of the packaged ones; may be given again.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")


def form_option(form: str, words: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return an option that asks for a form of output; `chosen_form` says which one was chosen."""

    def remember(context: click.Context, _: click.Parameter, value: object) -> None:
        if value:
            context.meta.setdefault(_FORMS, []).append(form)

    return click.option(
        f"--{form}", is_flag=True, expose_value=False, callback=remember, help=words
    )


def chosen_form() -> str | None:
    """Return the form of output asked for. Raises PolicygroundsError if there are several."""
    forms: list[str] = click.get_current_context().meta.get(_FORMS, [])
    if len(forms) > 1:
        raise PolicygroundsError(f"--{forms[0]} cannot be combined with --{forms[1]}")
    return forms[0] if forms else None


_FORMS = f"{__name__}.forms"
json_form_option = form_option("json", "Print JSON and nothing else.")
markdown_form_option = form_option("markdown", "Print Markdown.")


readings_option = click.option(
    "--reading",
    "readings",
    metavar="[POLICY:]NAME=CHOICE",
    multiple=True,
    help="Choose a reading, for the policies that have it or for POLICY alone; may be given again.",
)


class Answers:
    """Answers the cases of a file one by one and counts how they ended."""

    def __init__(self, answer: Callable[[Case], str], *, as_json: bool, console: Console) -> None:
        """`answer` gives a case its answer and returns a word for how it ended."""
        self._answer = answer
        self._as_json = as_json
        self._console = console
        self._counts: Counter[str] = Counter()

    @property
    def failed(self) -> bool:
        """Whether some case could not be read."""
        return self._counts["error"] > 0

    def give_all(
        self,
        file: Path,
        on: str | None,
        policies: Sequence[str] = (),
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Answer every case of a file, or print its error in its place; then say how many there were.

        Each is decided on a date, if one is given, and under policies, if some are given. `after`
        is called after each.
        """
        with opened(file) as stream:
            for read in read_cases(stream):
                unreadable = isinstance(read.case, CaseError)
                for policy in (None,) if unreadable or not policies else policies:
                    self._give(read, f"{shown(file)}, {read.place}", on, policy)
                after()
        total = sum(self._counts.values())
        if total > 1 and not self._as_json:
            counted = ", ".join(f"{count} {ended}" for ended, count in sorted(self._counts.items()))
            self._console.print(
                f"\n{total} {'answers' if len(policies) > 1 else 'cases'}: {counted}"
            )

    def _give(self, read: Read, place: str, on: str | None, policy: str | None) -> None:
        case = read.case
        try:
            if isinstance(case, CaseError):
                raise case
            case = replace(case, on=case.on if on is None else on, policy=policy or case.policy)
            ended = self._answer(case)
        except PolicygroundsError as error:
            self._fail(case.case if isinstance(case, CaseError) else case.id, place, error)
        else:
            self._counts[ended] += 1

    def _fail(self, identifier: str | None, place: str, error: PolicygroundsError) -> None:
        self._counts["error"] += 1
        named = f"{place}: case {identifier}" if identifier else place
        problems = error.problems if isinstance(error, CaseError) else [str(error)]
        if self._as_json:
            print_json({"id": identifier, "error": f"{named}: {'; '.join(problems)}"})
        else:
            self.separate()
            show_error(self._console, named, problems)

    def separate(self) -> None:
        """Leave a line empty between one answer and the next."""
        if sum(self._counts.values()) > 0:
            self._console.print()


def own_readings(kb: KnowledgeBase, policy: str, readings: Mapping[str, str]) -> dict[str, str]:
    """Return those of the chosen readings that a policy has, by their names."""
    stated = kb.policies.get(policy)
    return readings_of(stated, readings) if stated else {}


def choose_readings(
    kb: KnowledgeBase, readings: Sequence[str], policies: Collection[str] | None = None
) -> dict[str, str]:
    """Read NAME=CHOICE and POLICY:NAME=CHOICE options.

    Each must fit some policy of the knowledge base, or the one it names, which must be among
    `policies` if only these are asked about. What is for one policy goes before what is for all.
    """
    chosen: dict[str, str] = {}
    asked = policies if policies is not None else kb.policies
    for option in readings:
        key, equals, choice = option.rpartition("=")
        number, colon, name = key.rpartition(":")
        if not equals:
            raise UnknownReadingError(
                f"--reading {option}: expected NAME=CHOICE or POLICY:NAME=CHOICE"
            )
        if colon and number not in asked:
            raise UnknownReadingError(
                f"--reading {option}: {number!r} is none of the policies here"
                f"{did_you_mean(number, asked)} (known: {', '.join(asked)})"
            )
        choices = _choices([kb.policy(number)] if colon else kb.policies.values())
        if name not in choices:
            whose = f"policy {number} has no reading" if colon else "no policy has a reading"
            listed = f" (known: {', '.join(sorted(choices))})" if colon and choices else ""
            raise UnknownReadingError(
                f"--reading {option}: {whose} {name!r}{did_you_mean(name, choices)}{listed}"
            )
        if choice not in choices[name]:
            raise UnknownReadingError(
                f"--reading {option}: the choices of {key!r} are {', '.join(sorted(choices[name]))}"
            )
        if chosen.get(key, choice) != choice:
            raise UnknownReadingError(f"--reading {option}: {key!r} is chosen twice, differently")
        chosen[key] = choice
    return chosen


def _choices(policies: Iterable[Policy]) -> dict[str, set[str]]:
    """Return the readings of some policies, by name, with their choices."""
    found: dict[str, set[str]] = {}
    for policy in policies:
        for name, reading in policy.readings.items():
            found.setdefault(name, set()).update(reading.choices)
    return found


def check_date(day: str | None, option: str = "--on") -> None:
    """Raise PolicygroundsError if the day an option gives, if it is given, is no date."""
    try:
        read_date(day)
    except ValueError:
        raise PolicygroundsError(f"{option} {day}: expected a date such as 2025-09-15") from None


@contextmanager
def errors_end(file: Path | None) -> Iterator[None]:
    """Turn errors of the project into a message and the exit status for bad input."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (PolicygroundsError, OSError) as error:
        named = f"{shown(file)}: " if file and isinstance(error, UnreadableInputError) else ""
        for line in str(error).splitlines():
            click.echo(f"policygrounds: {named}{printable(line)}", err=True)
        sys.exit(BAD_INPUT)


def shown(file: Path) -> str:
    """Name a file as messages do."""
    return "standard input" if str(file) == "-" else str(file)


@contextmanager
def opened(file: Path) -> Iterator[TextIO]:
    """Open a file of cases as a stream; a long one read at a terminal gets a progress bar."""
    if str(file) == "-":
        if sys.stdin is None:
            raise UnreadableInputError("it is closed")
        yield TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape")
        return
    try:
        source = file.open("rb")
    except OSError as error:
        raise UnreadableInputError(str(error.strerror or error)) from None
    with source:
        size = file.stat().st_size
        errors = Console(stderr=True)
        if size < LONG_INPUT or not errors.is_terminal or sys.stdout.isatty():
            yield TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape")
            return
        with wrap_file(source, size, description="Deciding", console=errors) as watched:
            yield TextIOWrapper(watched, encoding="utf-8-sig", errors="surrogateescape")


def new_console(*, errors: bool = False) -> Console:
    """Wrap lines at the width of a terminal; leave them whole for a file or another program.

    `errors` gives a console for standard error.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name may hold what the terminal cannot show
    console = Console(highlight=False, stderr=errors)
    if not console.is_terminal:
        console.width = UNWRAPPED
    return console


@contextmanager
def working(message: str) -> Iterator[None]:
    """Say at a terminal what is going on, as long as it takes."""
    errors = Console(stderr=True)
    if not errors.is_terminal:
        yield
        return
    with errors.status(message):
        yield


def write_text(file: Path, text: str) -> None:
    """Write a text to a file. Raises PolicygroundsError if that cannot be done."""
    with _writing(file):
        file.write_text(text, "utf-8")


def write_bytes(file: Path, content: bytes) -> None:
    """Write bytes to a file. Raises PolicygroundsError if that cannot be done."""
    with _writing(file):
        file.write_bytes(content)


def check_writable(file: Path | None) -> None:
    """Raise PolicygroundsError if a file cannot be written, before long work that is to fill it."""
    if file is None:
        return
    with _writing(file):
        there = file.exists()
        with file.open("a"):
            pass
        if not there:
            file.unlink()


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PolicygroundsError(f"{file}: cannot be written: {error.strerror or error}") from None


def program_version() -> str:
    """Return the version of this program."""
    try:
        return metadata.version("policygrounds")
    except metadata.PackageNotFoundError:
        return "not installed"


def print_json(answer: object) -> None:
    """Print one JSON object on a line of its own."""
    click.echo(json.dumps(answer))
