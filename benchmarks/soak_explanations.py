"""Compare explanations with brute force on many random cases.

Cases of the two policies, with a pool of facts that may change, and cases of random policies, with
all facts. Prints what was compared, and exits with status 1 and the first disagreements as JSON if
there are any.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import cpu_count, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

import explained_cases
import oracle
import shrinking
import synthetic
from comparing import differences, differences_within
from drawing import Request, random_question, stated
from explanations import (
    APPROVAL,
    Expected,
    Fact,
    Known,
    Points,
    Wanted,
    every,
    explain,
    read_case,
    units_of,
)
from soak import Comparison

from policygrounds import Case, KnowledgeBase, PolicygroundsError

CHUNK = 50
FOLDER = 50
"""How many random policies share a vocabulary and are loaded at once."""
SHOWN = 5
QUESTIONS = 5
"""How many cases are drawn for a version of a random policy."""
WHOLE = 10
"""Every how many cases of the two policies one is explained without `only` too."""
TRIED = 3
"""How many changes and reasons of a case are tried out by deciding it again."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One case: what was asked, what came back, what was expected, and where they differ."""

    request: Request
    form: Mapping[str, Any]
    expected: Expected
    known: Known
    facts: Mapping[str, Fact]
    differences: list[str]


_NOTHING: Mapping[str, Any] = {"changes": [], "approve_if": [], "reasons": []}


def ask(kb: KnowledgeBase, request: Request) -> Mapping[str, Any]:
    """Explain a case with the engine."""
    want = request.want
    explanation = kb.explain(
        Case(policy=request.policy, on=request.version, facts=request.facts),
        want=f"{want.outcome}, {want.part}={want.value}" if want.part else want.outcome,
        readings=request.readings,
        include_fixed=request.include_fixed,
        only=request.only,
    )
    return explanation.to_json()


def compared(kb: KnowledgeBase, request: Request, points: Points) -> Compared:
    """Explain a case both ways and compare."""
    known = read_case(points.facts.values(), request.facts)
    pool = request.pool(points.facts.values())
    expected = explain(points, known, pool, request.want, include_fixed=request.include_fixed)
    try:
        form = ask(kb, request)
    except PolicygroundsError as error:
        return Compared(request, _NOTHING, expected, known, points.facts, [repr(error)])
    found = differences(form, expected, points, known, pool)
    return Compared(request, form, expected, known, points.facts, found)


def compared_whole(
    kb: KnowledgeBase, one: Compared, points: Points, rng: random.Random
) -> Compared | None:
    """Explain a case again without `only`; None if that takes longer than the engine's limit.

    What it says of the units that `only` named is compared. Of all units, some change and some
    reason that the oracle finds have to be there.
    """
    request = replace(one.request, only=None)
    form = ask(kb, request)
    if not form["complete"]:
        return None
    pool = one.request.pool(points.facts.values())
    found = differences_within(form, one.expected, points, pool)
    found += shrinking.missing(rng, request, form)
    return replace(one, request=request, form=form, differences=found)


# --- Trying out ------------------------------------------------------------------------------


def tried_out(kb: KnowledgeBase, one: Compared, rng: random.Random) -> list[str]:
    """Decide a case anew with some of its changes and reasons, whole and one item short."""
    request = one.request
    found: list[str] = []
    for key, want in (("changes", request.want), ("approve_if", APPROVAL)):
        for entry in _some(rng, one.form[key]):
            found += _tried(kb, request, want, request.facts, entry["facts"], key)
    outcome = Wanted(one.expected.outcome)
    pool = request.pool(one.facts.values())
    outside = {
        unit.name: every(unit) if unit.name in pool else one.known[unit.name]
        for fact in one.facts.values()
        for unit in units_of(fact)
    }
    given = stated(rng, one.facts.values(), outside)
    for entry in _some(rng, one.form["reasons"]):
        found += _tried(kb, request, outcome, given, entry["facts"], "reasons")
    return found


def _some(rng: random.Random, entries: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return rng.sample(entries, min(len(entries), TRIED))


def _tried(
    kb: KnowledgeBase,
    request: Request,
    want: Wanted,
    facts: Mapping[str, Any],
    entry: Mapping[str, Any],
    key: str,
) -> list[str]:
    """Put the items of an entry into a case: all of them give what is wanted, no fewer do."""
    items = _items(entry)
    found = []
    if not _gives(kb, request, want, _put(facts, items)):
        found.append(f"{key}: {entry} is not decided as {want}")
    for left_out in items:
        rest = [item for item in items if item is not left_out]
        if _gives(kb, request, want, _put(facts, rest)):
            found.append(f"{key}: {entry} is decided as {want} without {left_out}")
    return found


def _items(entry: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """Split an entry: a fact and its value, or a set, what to do, and one member."""
    items: list[tuple[str, str, Any]] = []
    for name, value in entry.items():
        if isinstance(value, Mapping) and "add" in value:
            items += [(name, key, member) for key in ("add", "remove") for member in value[key]]
        else:
            items.append((name, "put", value))
    return items


def _put(facts: Mapping[str, Any], items: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """Put items into the facts of a case."""
    changed = dict(facts)
    for name, how, value in items:
        before = changed.get(name)
        if how == "put":
            changed[name] = value
        elif isinstance(before, list):
            others = [member for member in before if member != value]
            changed[name] = [*others, value] if how == "add" else others
        else:
            members = {
                key: [member for member in (before or {}).get(key) or () if member != value]
                for key in ("includes", "excludes")
            }
            members["includes" if how == "add" else "excludes"].append(value)
            changed[name] = members
    return changed


def _gives(kb: KnowledgeBase, request: Request, want: Wanted, facts: Mapping[str, Any]) -> bool:
    case = Case(policy=request.policy, on=request.version, facts=facts)
    if not want.part:
        return kb.outcome(case, readings=request.readings).value == want.outcome
    answer = kb.determine(case, readings=request.readings)
    parts: dict[str, Iterable[object]] = {
        "months": answer.authorization.months,
        "basis": answer.basis,
        "refer_to": answer.refer_to,
    }
    values = set(map(str, parts[want.part]))
    return answer.outcome.value == want.outcome and values == {want.value}


# --- Many cases ------------------------------------------------------------------------------


def compare_packaged(
    kb: KnowledgeBase, *, seed: str, cases: int, whole_every: int = WHOLE
) -> Iterator[Compared]:
    """Compare random cases of the two policies; some of them once more without `only`."""
    rng = random.Random(seed)
    for number in range(cases):
        request = explained_cases.random_request(rng)
        points = explained_cases.laid_out(request)
        one = compared(kb, request, points)
        yield one
        if number % whole_every == 0 and (whole := compared_whole(kb, one, points, rng)):
            yield whole


def compare_synthetic(
    *,
    seed: str,
    policies: int,
    questions: int = QUESTIONS,
    most_points: int = synthetic.MOST_POINTS,
) -> Iterator[tuple[KnowledgeBase, Compared]]:
    """Compare random cases of random policies."""
    rng = random.Random(seed)
    folder = synthetic.random_folder(rng, policies, most_points=most_points)
    with TemporaryDirectory() as name:
        folder.write(Path(name))
        kb = KnowledgeBase.load(name)
    for policy in folder.policies:
        for version in policy.versions:
            readings = {name: rng.choice(choices) for name, choices in policy.readings.items()}
            points = synthetic.laid_out(policy, version, readings)
            if not any(points.verdicts):
                continue
            for _ in range(questions):
                request = random_question(rng, points, policy.number, version, readings)
                yield kb, compared(kb, request, points)


def counted(one: Compared, *, packaged: bool) -> Iterator[str]:
    """Say what a case counts as."""
    request, expected = one.request, one.expected
    if packaged and request.only is None:
        yield "packaged cases once more without only"
        return
    kind = "packaged" if packaged else "synthetic"
    yield f"{kind} cases"
    partial = any(len(places) > 1 for places in one.known.values())
    yield f"{kind} {'partial' if partial else 'complete'}"
    yield f"{kind} outcome {expected.outcome}"
    yield f"{kind} want {request.want.outcome}{' and ' * bool(request.want.part)}{request.want.part}"
    if expected.reached:
        yield f"{kind} reached"
    for key, lists in (
        ("changes", expected.changes),
        ("approve_if", expected.approve_if),
        ("reasons", expected.reasons),
    ):
        if lists:
            yield f"{kind} with {key}"
        if len(lists) > 1:
            yield f"{kind} with several {key}"
    if request.include_fixed:
        yield f"{kind} include_fixed"
    if not packaged and request.only is not None:
        yield "synthetic only"
    if packaged:
        yield f"version {request.policy} {request.version}"
        readings = oracle.READINGS[request.policy]
        if any(request.readings[name] != choices[0] for name, choices in readings.items()):
            yield "packaged other readings"


_loaded: list[KnowledgeBase] = []


def _compare_chunk(chunk: tuple[str, str, int]) -> Comparison:
    """Compare in a process that loads the packaged knowledge base once."""
    kind, seed, count = chunk
    done = Comparison()
    rng = random.Random(seed)
    if kind == "synthetic":
        done.counts["synthetic policies"] += count
        pairs = compare_synthetic(seed=seed, policies=count)
    else:
        if not _loaded:
            _loaded.append(KnowledgeBase.load())
        kb = _loaded[0]
        pairs = ((kb, one) for one in compare_packaged(kb, seed=seed, cases=count))
    for used, one in pairs:
        done.counts.update(counted(one, packaged=kind == "packaged"))
        found = one.differences + tried_out(used, one, rng)
        if found:
            done.counts["disagreements"] += 1
            done.disagreements.append(_shown(one, found, seed))
    return done


def _shown(one: Compared, found: list[str], seed: str) -> dict[str, object]:
    request = one.request
    return {
        "case": {"policy": request.policy, "on": request.version, "facts": request.facts},
        "readings": request.readings,
        "want": str(request.want),
        "include_fixed": request.include_fixed,
        "only": request.only,
        "seed": seed,
        "differences": found,
    }


def main() -> int:
    """Run the comparison, print its counts, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--policies", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=cpu_count())
    options = parser.parse_args()
    started = time.monotonic()
    chunks = [
        *_chunks("packaged", options.seed, options.cases, CHUNK),
        *_chunks("synthetic", options.seed, options.policies, FOLDER),
    ]
    done = Comparison()
    with get_context("spawn").Pool(options.processes) as pool:
        for part in pool.imap_unordered(_compare_chunk, chunks):
            done.add(part)
    for what in sorted({"disagreements", *done.counts}):
        print(f"{done.counts[what]:8}  {what}")
    print(f"{time.monotonic() - started:8.0f}  seconds in {options.processes} processes")
    for disagreement in done.disagreements[:SHOWN]:
        print(json.dumps(disagreement))
    return 1 if done.disagreements else 0


def _chunks(kind: str, seed: int, count: int, size: int) -> list[tuple[str, str, int]]:
    return [
        (kind, f"{seed}:{kind}:{start}", min(size, count - start))
        for start in range(0, count, size)
    ]


if __name__ == "__main__":
    sys.exit(main())
