"""Find changes and reasons by taking away what is not needed, whatever the number of facts.

Brute force goes through a pool of units. This goes through none, so it needs no pool: it begins
with a change or a reason too many and takes away one unit after the other, in random order, for as
long as the oracle says that the rest still does. What is left has to be among what is listed.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import oracle
from comparing import read_entry
from drawing import Request, stated
from explained_cases import FACTS, UNITS, verdict_of
from explanations import Known, Wanted, every, read_case

LIMIT = 3_000
"""How many completions are gone through; with more, nothing is said."""
TRIES = 60


def missing(rng: random.Random, request: Request, form: Mapping[str, Any]) -> list[str]:
    """Say which changes and reasons are missing from an explanation of all units."""
    known = read_case(FACTS.values(), request.facts)
    found = []
    way = _change(rng, request, known)
    if way is not None and not form["reached"] and not _listed(way, form["changes"]):
        found.append(f"changes: no part of {way} is listed")
    if form["outcome"] != "pend":
        reason = _reason(rng, request, known, form["outcome"])
        if not any(set(read_entry(FACTS, entry["facts"])) <= reason for entry in form["reasons"]):
            found.append(f"reasons: no part of {sorted(reason)} is listed")
    return found


def _listed(way: Mapping[str, int], changes: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a change is listed, with these values, or one of fewer units."""
    entries = [read_entry(FACTS, change["facts"]) for change in changes]
    if any(set(entry) < set(way) for entry in entries):
        return True
    same = (entry for entry in entries if set(entry) == set(way))
    return any(all(place in entry[name] for name, place in way.items()) for entry in same)


def _change(rng: random.Random, request: Request, known: Known) -> dict[str, int] | None:
    """Find values of few units that give what is wanted, from a case that has it."""
    for _ in range(TRIES):
        facts = oracle.random_case(rng, request.policy, complete=True, free_budget=1)
        target = read_case(FACTS.values(), facts)
        way = {
            name: target[name][0]
            for name in sorted(UNITS)
            if target[name] != known[name] and _alterable(request, known, name, target[name][0])
        }
        if _gives(rng, request, _put(known, way), request.want):
            break
    else:
        return None
    before = len(way) + 1
    while len(way) < before:
        before = len(way)
        for name in rng.sample(sorted(way), len(way)):
            fewer = {unit: place for unit, place in way.items() if unit != name}
            if _gives(rng, request, _put(known, fewer), request.want):
                way = fewer
    return way


def _alterable(request: Request, known: Known, name: str, place: int) -> bool:
    if request.include_fixed or UNITS[name].fact.changer != "fixed":
        return True
    return len(known[name]) > 1 and place in known[name]


def _put(known: Known, way: Mapping[str, int]) -> Known:
    return {**known, **{name: (place,) for name, place in way.items()}}


def _reason(rng: random.Random, request: Request, known: Known, outcome: str) -> frozenset[str]:
    """Find few known units that force the outcome."""
    reason = {name for name, unit in UNITS.items() if known[name] != every(unit)}
    for name in rng.sample(sorted(reason), len(reason)):
        fewer = reason - {name}
        alone = {unit: known[unit] if unit in fewer else every(UNITS[unit]) for unit in UNITS}
        if _gives(rng, request, alone, Wanted(outcome)):
            reason = fewer
    return frozenset(reason)


def _gives(rng: random.Random, request: Request, known: Known, want: Wanted) -> bool:
    """Tell whether every completion gives what is wanted, and there is one."""
    facts = stated(rng, FACTS.values(), known)
    try:
        answers = oracle.possible_answers(
            request.policy, request.version, facts, request.readings, LIMIT
        )
    except oracle.TooManyCompletionsError:
        return False
    return bool(answers) and all(want.given_by(verdict_of(answer)) for answer in answers)
