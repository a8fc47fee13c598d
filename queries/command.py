"""The command line: `policygrounds determine | policies | facts`.

Exit status: 0 if everything asked was answered; 1 if `policies --prove` found a case without
exactly one outcome; 2 for bad input, be it one case among many, and for what could not be done.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import metadata
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import wrap_file

from engine.determination import Determination
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
from facts.schema import case_schema
from facts.vocabulary import Diagnosis, Drug, Fact, Vocabulary
from queries.knowledge_base import Counterexample, KnowledgeBase
from queries.terminal import (
    printable,
    show_determination,
    show_error,
    show_fact,
    show_facts,
    show_policies,
    show_policy,
    show_proof,
    show_sections,
)

BAD_INPUT = 2
UNWRAPPED = 10_000
"""Columns; wider than any line."""
LONG_INPUT = 200_000
"""Bytes from which on a file of cases gets a progress bar."""

_folders = click.option(
    "--kb",
    "folders",
    metavar="DIR",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Use the policies below DIR instead of the packaged ones; may be given again.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON and nothing else.")


def _version() -> str:
    try:
        return metadata.version("policygrounds")
    except metadata.PackageNotFoundError:
        return "not installed"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="policygrounds")
def main() -> None:
    """Decide drug-coverage requests under policies written as logic, with their grounds."""


@main.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@_as_json
@click.option("--on", metavar="DATE", help="Decide every case as of DATE, such as 2025-09-15.")
@click.option(
    "--reading",
    "readings",
    metavar="NAME=CHOICE",
    multiple=True,
    help="Choose a reading, for the policies that have it; may be given again.",
)
@_folders
def determine(
    file: Path, *, as_json: bool, on: str | None, readings: Sequence[str], folders: Sequence[Path]
) -> None:
    """Decide the cases in FILE: one case, a list, or a case a line; - for standard input."""
    with _errors(file):
        if on is not None:
            _check_date(on)
        kb = KnowledgeBase.load(*folders)
        chosen = _choose(kb, readings)
        answers = _Answers(kb, as_json=as_json)
        with _opened(file) as stream:
            for read in read_cases(stream):
                answers.give(read, f"{_name(file)}, {read.place}", on, chosen)
        answers.summarize()
    if answers.failed:
        sys.exit(BAD_INPUT)


class _Answers:
    """Answers cases one by one and counts how they ended."""

    def __init__(self, kb: KnowledgeBase, *, as_json: bool) -> None:
        self._kb = kb
        self._as_json = as_json
        self._console = _console()
        self._counts: Counter[str] = Counter()

    @property
    def failed(self) -> bool:
        """Whether some case could not be read."""
        return self._counts["error"] > 0

    def give(self, read: Read, place: str, on: str | None, readings: Mapping[str, str]) -> None:
        """Print the determination of a case, or its error in its place."""
        case = read.case
        try:
            if isinstance(case, CaseError):
                raise case
            answer = self._decide(case if on is None else replace(case, on=on), readings)
        except PolicygroundsError as error:
            self._fail(case.case if isinstance(case, CaseError) else case.id, place, error)
            return
        self._counts[answer.outcome.value] += 1
        if self._as_json:
            _print_json(answer.to_json())
        else:
            self._separate()
            policy = self._kb.policies[answer.policy]
            show_determination(self._console, answer, policy, self._kb.vocabulary)

    def _decide(self, case: Case, readings: Mapping[str, str]) -> Determination:
        policy = self._kb.policies.get(case.policy)
        known = policy.readings if policy else {}
        own = {name: choice for name, choice in readings.items() if name in known}
        return self._kb.determine(case, readings=own)

    def _fail(self, identifier: str | None, place: str, error: PolicygroundsError) -> None:
        self._counts["error"] += 1
        named = f"{place}: case {identifier}" if identifier else place
        problems = error.problems if isinstance(error, CaseError) else [str(error)]
        if self._as_json:
            _print_json({"id": identifier, "error": f"{named}: {'; '.join(problems)}"})
        else:
            self._separate()
            show_error(self._console, named, problems)

    def _separate(self) -> None:
        if sum(self._counts.values()) > 1:
            self._console.print()

    def summarize(self) -> None:
        """Say how many cases there were and how they ended, if there was more than one."""
        total = sum(self._counts.values())
        if total > 1 and not self._as_json:
            counted = ", ".join(f"{count} {ended}" for ended, count in sorted(self._counts.items()))
            self._console.print(f"\n{total} cases: {counted}")


@main.command()
@click.argument("policy", required=False)
@_as_json
@click.option(
    "--prove",
    is_flag=True,
    help="Prove that every complete case gets one outcome; status 1 if not.",
)
@_folders
def policies(policy: str | None, *, as_json: bool, prove: bool, folders: Sequence[Path]) -> None:
    """List the policies and their versions, or show POLICY with its readings."""
    with _errors(None):
        kb = KnowledgeBase.load(*folders)
        chosen = [kb.policy(policy)] if policy else list(kb.policies.values())
        if prove:
            _prove(kb, chosen, as_json=as_json)
        elif as_json:
            for stated in chosen:
                _print_json(_policy_json(stated))
        elif policy:
            show_policy(_console(), chosen[0])
            show_sections(_console(), chosen[0])
        else:
            show_policies(_console(), chosen)


def _prove(kb: KnowledgeBase, chosen: Sequence[Policy], *, as_json: bool) -> None:
    """Print, for each version, that outcomes are unique, or a case that shows they are not."""
    broken = 0
    for policy in chosen:
        for version in policy.versions:
            found = kb.counterexample(policy.number, on=version.start)
            broken += found is not None
            if as_json:
                _print_json(_proof_json(policy.number, version.start, found))
            else:
                show_proof(_console(), policy.number, version.start, found)
    if broken:
        sys.exit(1)


@main.command()
@click.argument("fact", required=False)
@_as_json
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a case.")
@_folders
def facts(fact: str | None, *, as_json: bool, schema: bool, folders: Sequence[Path]) -> None:
    """List the facts a case may state, or show FACT alone."""
    with _errors(None):
        kb = KnowledgeBase.load(*folders)
        vocabulary = kb.vocabulary
        if fact is not None and fact not in vocabulary.facts:
            meant = did_you_mean(fact, vocabulary.facts)
            raise PolicygroundsError(f"fact {fact!r} is not in the vocabulary{meant}")
        if schema:
            click.echo(json.dumps(case_schema(vocabulary, kb.policies), indent=2))
        elif as_json and fact:
            _print_json(_fact_json(vocabulary.facts[fact]))
        elif as_json:
            _print_json(_vocabulary_json(vocabulary))
        elif fact:
            show_fact(_console(), vocabulary.facts[fact], vocabulary)
        else:
            show_facts(_console(), vocabulary)


def _proof_json(policy: str, version: str, found: Counterexample | None) -> dict[str, object]:
    counterexample = found and {
        "facts": dict(found.case.facts),
        "readings": dict(found.readings),
        "outcomes": list(found.outcomes),
    }
    return {
        "policy": policy,
        "version": version,
        "one_outcome": found is None,
        "counterexample": counterexample,
    }


def _policy_json(policy: Policy) -> dict[str, object]:
    return {
        "policy": policy.number,
        "payer": policy.payer,
        "drug": policy.drug,
        "title": policy.title,
        "source": policy.source,
        "versions": [
            {
                "version": version.start,
                "until": version.until,
                "status": version.status,
                "note": version.note,
                "sections": dict(version.texts),
            }
            for version in policy.versions
        ],
        "readings": [
            {
                "name": reading.name,
                "question": reading.question,
                "sections": list(reading.sections),
                "choices": dict(reading.choices),
                "default": reading.default,
            }
            for reading in policy.readings.values()
        ],
    }


def _vocabulary_json(vocabulary: Vocabulary) -> dict[str, object]:
    return {
        "facts": [_fact_json(fact) for fact in vocabulary.facts.values()],
        "drugs": [_drug_json(drug) for drug in vocabulary.drugs.values()],
        "drug_classes": dict(vocabulary.classes),
        "diagnoses": [_diagnosis_json(diagnosis) for diagnosis in vocabulary.diagnoses.values()],
        "contradictions": dict(vocabulary.contradictions),
    }


def _fact_json(fact: Fact) -> dict[str, object]:
    stated: dict[str, object] = {
        "fact": fact.name,
        "kind": fact.kind.value,
        "title": fact.title,
        "question": fact.question,
        "changed_by": fact.changer.value,
    }
    if fact.unit:
        stated["unit"] = fact.unit
        stated["range"] = [fact.number(fact.lowest), fact.number(fact.highest)]
        stated["decimals"] = fact.decimals
    if fact.options is not None:
        stated["values"] = dict(fact.options)
    return stated


def _drug_json(drug: Drug) -> dict[str, object]:
    return {
        "drug": drug.name,
        "title": drug.title,
        "classes": list(drug.classes),
        "brands": list(drug.brands),
        "codes": [
            {"system": code.system, "code": code.code, "text": code.text, "source": code.source}
            for code in drug.codes
        ],
    }


def _diagnosis_json(diagnosis: Diagnosis) -> dict[str, object]:
    return {
        "diagnosis": diagnosis.name,
        "title": diagnosis.title,
        "icd10": dict(diagnosis.icd10),
        "cautions": dict(diagnosis.cautions),
        "not_shown_by": [
            {"first": trap.first, "last": trap.last, "text": trap.text} for trap in diagnosis.traps
        ],
    }


def _choose(kb: KnowledgeBase, readings: Sequence[str]) -> dict[str, str]:
    """Read NAME=CHOICE options; each must fit some policy of the knowledge base."""
    chosen: dict[str, str] = {}
    known: dict[str, set[str]] = {}
    for policy in kb.policies.values():
        for reading in policy.readings.values():
            known.setdefault(reading.name, set()).update(reading.choices)
    for option in readings:
        name, equals, choice = option.partition("=")
        if not equals:
            raise UnknownReadingError(f"--reading {option}: expected NAME=CHOICE")
        if name not in known:
            raise UnknownReadingError(
                f"--reading {option}: no policy has a reading {name!r}{did_you_mean(name, known)}"
            )
        if choice not in known[name]:
            raise UnknownReadingError(
                f"--reading {option}: the choices of {name!r} are {', '.join(sorted(known[name]))}"
            )
        if chosen.get(name, choice) != choice:
            raise UnknownReadingError(f"--reading {option}: {name!r} is chosen twice, differently")
        chosen[name] = choice
    return chosen


def _check_date(day: str) -> None:
    try:
        read_date(day)
    except ValueError:
        raise PolicygroundsError(f"--on {day}: expected a date such as 2025-09-15") from None


@contextmanager
def _errors(file: Path | None) -> Iterator[None]:
    """Turn errors of the project into a message and the exit status for bad input."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (PolicygroundsError, OSError) as error:
        named = f"{_name(file)}: " if file and isinstance(error, UnreadableInputError) else ""
        for line in str(error).splitlines():
            click.echo(f"policygrounds: {named}{printable(line)}", err=True)
        sys.exit(BAD_INPUT)


def _name(file: Path) -> str:
    return "standard input" if str(file) == "-" else str(file)


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
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


def _console() -> Console:
    """Wrap lines at the width of a terminal; leave them whole for a file or another program."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a name may hold what the terminal cannot show
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = UNWRAPPED
    return console


def _print_json(answer: object) -> None:
    click.echo(json.dumps(answer))
