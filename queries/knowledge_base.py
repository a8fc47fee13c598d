"""The knowledge base as callers hold it: load once, then ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import local

from engine.determination import Decider, Determination, Outcome
from engine.loading import Library, load_folders, load_packaged
from engine.policy import Policy, Version
from facts.case import Case, read_date, read_facts
from facts.errors import (
    CaseError,
    PolicygroundsError,
    UncoveredDateError,
    UnknownPolicyError,
    UnknownReadingError,
    did_you_mean,
)
from facts.values import Known
from facts.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A complete, contradiction-free case to which a policy does not give exactly one outcome."""

    case: Case
    readings: Mapping[str, str]
    outcomes: tuple[str, ...]


class KnowledgeBase:
    """A vocabulary and policies, ready to decide cases. Safe to share between threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._deciders = local()

    @staticmethod
    def load(*folders: str | Path) -> "KnowledgeBase":
        """Load the packaged knowledge base, or the policies below your own folders.

        Your own policies are written in the packaged vocabulary, to which files below a folder
        named `vocabulary` add. They are checked and grounded in a process with limits. Raises
        KnowledgeBaseError, which lists every problem with its file and line.
        """
        if not folders:
            return KnowledgeBase(load_packaged())
        return KnowledgeBase(load_folders([Path(folder) for folder in folders]))

    @property
    def vocabulary(self) -> Vocabulary:
        """The facts a case may state, and the drugs and diagnoses they name."""
        return self._library.vocabulary

    @property
    def policies(self) -> Mapping[str, Policy]:
        """The policies, by number."""
        return self._library.policies

    def determine(self, case: Case, *, readings: Mapping[str, str] | None = None) -> Determination:
        """Decide a case under its policy, as it stood on the case's date.

        `readings` sets named readings of the policy; the others keep their default. Raises
        CaseError for facts that do not fit the vocabulary, UnknownPolicyError, UncoveredDateError
        and UnknownReadingError; several such problems at once come as one CaseError. Anything the
        solver cannot do comes back as a pend.
        """
        ready = self._prepare(case, readings or {})
        return ready.decider.determine(ready.known, ready.readings, case=case.id, on=ready.on)

    def outcome(self, case: Case, *, readings: Mapping[str, str] | None = None) -> Outcome:
        """Return the outcome of a case alone, several times faster than `determine`.

        It is the outcome `determine` gives, unless that had to stop at a limit on the way to the
        rest of the answer. The same errors are raised.
        """
        ready = self._prepare(case, readings or {})
        return ready.decider.outcome(ready.known, ready.readings)

    def counterexample(self, policy: str, *, on: str | None = None) -> Counterexample | None:
        """Look for a complete case without exactly one outcome; None proves there is none.

        The search covers every contradiction-free case and every choice of readings, in the
        version in force on a date (today if none is given). Raises UnknownPolicyError,
        UncoveredDateError, CaseError for a date that is none, and PolicygroundsError if the solver
        could neither prove nor disprove it within its limits.
        """
        stated = self.policy(policy)
        try:
            version = stated.version(read_date(on))
        except ValueError:
            raise CaseError(None, ["on: expected a date such as 2025-09-15"]) from None
        found = self._decider(stated, version).counterexample()
        if found is None:
            return None
        facts, readings, outcomes = found
        case = Case(policy=policy, on=version.start, facts=facts)
        return Counterexample(case, readings, tuple(outcome.value for outcome in outcomes))

    def _prepare(self, case: Case, readings: Mapping[str, str]) -> "_Ready":
        """Read a case; raise the one error there is, or one that holds them all."""
        problems = case.frame_problems()
        if problems:
            raise CaseError(case.id, problems)
        errors: list[PolicygroundsError] = []
        known, problems = read_facts(case, self.vocabulary)
        if problems:
            errors.append(CaseError(case.id, problems))
        on = read_date(case.on)
        try:
            policy = self.policy(case.policy)
        except UnknownPolicyError as error:
            errors.append(error)
        else:
            try:
                version = policy.version(on)
            except UncoveredDateError as error:
                errors.append(error)
            try:
                chosen = _choose(policy, readings)
            except UnknownReadingError as error:
                errors.append(error)
        if len(errors) > 1:
            others = [str(error) for error in errors if not isinstance(error, CaseError)]
            raise CaseError(case.id, [*others, *problems])
        if errors:
            raise errors[0]
        return _Ready(self._decider(policy, version), known, chosen, on)

    def policy(self, number: str) -> Policy:
        """Return a policy by its number. Raises UnknownPolicyError."""
        policy = self.policies.get(number)
        if policy is None:
            raise UnknownPolicyError(number, tuple(self.policies))
        return policy

    def _decider(self, policy: Policy, version: Version) -> Decider:
        """Return the thread's own decider: solvers cannot be shared."""
        deciders: dict[tuple[str, str], Decider] | None = getattr(self._deciders, "made", None)
        if deciders is None:
            deciders = self._deciders.made = {}
        key = (policy.number, version.start)
        if key not in deciders:
            deciders[key] = Decider(policy, version, self.vocabulary)
        return deciders[key]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A case read and ready to be decided."""

    decider: Decider
    known: Mapping[str, Known]
    readings: Mapping[str, str]
    on: str


def _choose(policy: Policy, readings: Mapping[str, str]) -> dict[str, str]:
    chosen = {name: reading.default for name, reading in policy.readings.items()}
    for name, choice in readings.items():
        if name not in chosen:
            raise UnknownReadingError(
                f"policy {policy.number}: no reading {name!r}{did_you_mean(str(name), chosen)}"
            )
        choices = policy.readings[name].choices
        if not isinstance(choice, str) or choice not in choices:
            raise UnknownReadingError(
                f"policy {policy.number}: reading {name!r} has the choices "
                f"{', '.join(sorted(choices))}, not {choice!r}"
            )
        chosen[name] = choice
    return chosen
