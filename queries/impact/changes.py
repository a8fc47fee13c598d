"""Changes of a policy: another version, a draft, other readings."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.policy import Policy, Version
from facts.errors import KnowledgeBaseError, PolicygroundsError
from queries.knowledge_base import KnowledgeBase, check_readings_of, choose


@dataclass(frozen=True, slots=True)
class Side:
    """A policy as it stands before or after a change, and what it is called."""

    kb: KnowledgeBase
    policy: Policy
    version: Version
    readings: Mapping[str, str]
    name: str

    def to_json(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "version": self.version.start,
            "readings": self.policy.chosen_otherwise(self.readings),
        }


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A policy before and after: `kind` is "versions", "draft" or "readings"."""

    kind: str
    before: Side
    after: Side


def change_of_version(kb: KnowledgeBase, number: str, start: str, end: str) -> PolicyChange:
    """Return the change between the versions in force on two ISO dates.

    Raises UnknownPolicyError, UncoveredDateError, and PolicygroundsError if they are one version.
    """
    policy = kb.policy(number)
    one, other = policy.version(start), policy.version(end)
    if one.start == other.start:
        known = ", ".join(version.start for version in policy.versions)
        raise PolicygroundsError(
            f"policy {number}: version {one.start} is in force on {start} and on {end}, so nothing "
            f"changes; give dates under two of the versions {known}"
        )
    default = policy.default_readings
    return PolicyChange(
        "versions",
        *(Side(kb, policy, each, default, f"{number} of {each.start}") for each in (one, other)),
    )


def change_of_readings(
    kb: KnowledgeBase, number: str, readings: Mapping[str, str], day: str
) -> PolicyChange:
    """Return the change from the default readings to others, of the version in force on a day.

    Raises UnknownPolicyError, UncoveredDateError, UnknownReadingError, and PolicygroundsError if
    all readings are the default ones.
    """
    policy = kb.policy(number)
    version = policy.version(day)
    check_readings_of([policy], readings)
    chosen = choose(policy, readings)
    others = policy.chosen_otherwise(chosen)
    if not others:
        raise PolicygroundsError(
            f"policy {number}: the readings given are the default ones, so nothing changes; "
            f"`policygrounds policies {number}` lists the other choices"
        )
    named = ", ".join(f"{name}={choice}" for name, choice in others.items())
    return PolicyChange(
        "readings",
        Side(kb, policy, version, policy.default_readings, f"{number} as read by default"),
        Side(kb, policy, version, chosen, f"{number} with {named}"),
    )


def change_to_draft(
    kb: KnowledgeBase, number: str, file: Path, day: str, folders: Sequence[Path] = ()
) -> PolicyChange:
    """Return the change to a policy file of the same number, both as they stand on a day.

    The draft is read with the vocabulary and the references below `folders`. Raises
    KnowledgeBaseError, UnknownPolicyError, UncoveredDateError, and PolicygroundsError for a file
    that states another policy.
    """
    policy = kb.policy(number)
    version = policy.version(day)
    drafted = _load_draft(file, folders)
    if number not in drafted.policies:
        stated_there = ", ".join(drafted.policies)
        raise PolicygroundsError(
            f"{file}: it states policy {stated_there}, not {number}; a draft keeps the number of "
            "the policy it changes"
        )
    other = drafted.policy(number)
    return PolicyChange(
        "draft",
        Side(kb, policy, version, policy.default_readings, f"{number} of {version.start}"),
        Side(drafted, other, other.version(day), other.default_readings, f"the draft {file.name}"),
    )


def _load_draft(file: Path, folders: Sequence[Path]) -> KnowledgeBase:
    """Load one policy file, with what the folders add to the vocabulary and the references."""
    if file.suffix != ".lp" or not file.is_file():
        raise PolicygroundsError(f"{file}: there is no such policy file; a draft ends in .lp")
    with TemporaryDirectory() as made:
        place = Path(made) / "policies" / file.name
        place.parent.mkdir()
        shutil.copyfile(file, place)
        for number, folder in enumerate(folders):
            for path in folder.rglob("*.lp"):
                inside = path.relative_to(folder)
                if {"vocabulary", "references"} & {*inside.parts}:
                    copy = Path(made) / str(number) / inside
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, copy)
        try:
            return KnowledgeBase.load(made)
        except KnowledgeBaseError as error:
            raise KnowledgeBaseError(
                [
                    replace(each, file=str(file)) if each.file.endswith(file.name) else each
                    for each in error.problems
                ]
            ) from None
