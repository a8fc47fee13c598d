"""Patients in words: whom a region, a route or a witness speaks of."""

from collections.abc import Mapping

from facts.values import Known, Members, OneOf
from facts.vocabulary import Vocabulary
from queries.grouping import Value, places_of
from queries.phrases import in_sentence, one_of, trait

_FIRST = ("line_of_business", "age", "regimen")
"""Facts said first, after the kind of request and the diagnosis."""


def patients(values: Mapping[str, Value], vocabulary: Vocabulary) -> str:
    """Say who has these facts: "a first request for multiple myeloma, age 18 or more"."""
    if not values:
        return "every patient"
    named = {"request", "diagnosis"} & values.keys()
    order = sorted(
        values.keys() - named,
        key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name),
    )
    traits = [trait(vocabulary.facts[name], values[name], vocabulary) for name in order]
    return ", ".join([*([_request(values, vocabulary)] if named else []), *traits])


def patients_with(facts: Mapping[str, Known], vocabulary: Vocabulary) -> str:
    """Say who has facts as a case states them."""
    return patients(
        {
            name: places_of(known) if isinstance(known, Members) else known
            for name, known in facts.items()
        },
        vocabulary,
    )


def _request(values: Mapping[str, Value], vocabulary: Vocabulary) -> str:
    request, diagnosis = values.get("request"), values.get("diagnosis")
    words = "a request"
    if isinstance(request, OneOf):
        asked = in_sentence(one_of(vocabulary.facts["request"], request))
        words = f"{'an' if asked[0] in 'aeiou' else 'a'} {asked}"
    if isinstance(diagnosis, OneOf):
        words += f" for {one_of(vocabulary.facts['diagnosis'], diagnosis, 'diagnosis')}"
    return words


def size(facts: Mapping[str, Known]) -> int:
    """Count the facts, and the members of sets, that say who is meant."""
    return sum(
        len(known.includes) + len(known.excludes) if isinstance(known, Members) else 1
        for known in facts.values()
    )
