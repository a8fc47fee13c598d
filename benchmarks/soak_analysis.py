"""Compare the analysis of policies with brute force on many random policies and patients.

What is found of random policies, how two of them differ, and the routes to their outcomes are
compared with what brute force over all complete cases finds. Of the two packaged policies, random
patients decided by plain Python refute nothing that is found, and show nothing that is not. Prints
what was compared, and exits with status 1 and the first disagreements as JSON if there are any.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from multiprocessing import cpu_count, get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

import analysed_cases
import oracle
import synthetic
from analysed import (
    OUTCOMES,
    Laid,
    Region,
    Universe,
    expected_differences,
    expected_findings,
    expected_phases,
    expected_verdict,
    faults_of_regions,
    way_named,
)
from explanations import Fact, intervals_of
from synthetic_facts import random_vocabulary

from engine.analysis.analyst import Analyst
from engine.analysis.difference import Comparison as Compared
from engine.analysis.difference import Route
from engine.analysis.finding import Finding, FindingKind
from facts.values import Bounds, Known, Members, OneOf, Truth
from policygrounds import Case, KnowledgeBase
from queries.differences import comparison_json
from queries.routes import routes_json
from queries.witnesses import replays, unreplayed_findings, witness_json

FOLDER = 20
"""How many random policies share a vocabulary and are loaded at once."""
MOST_POINTS = 400
SHOWN = 5
PATIENTS = 2_000
"""How many random patients are drawn for each version and reading of the packaged policies."""
DETERMINED = 200
"""How many of them are determined, for which criteria they meet."""
LARGEST_PAIR = 2_000
"""Two policies are compared if together they tell no more complete cases apart."""
COMPARED = frozenset(
    {
        FindingKind.NO_OUTCOME,
        FindingKind.SEVERAL_OUTCOMES,
        FindingKind.NEVER_MET,
        FindingKind.ALWAYS_MET,
        FindingKind.NEVER_DECISIVE,
        FindingKind.CONTAINED,
        FindingKind.CONTRADICTING_SECTIONS,
        FindingKind.SAME_CRITERION,
        FindingKind.SAME_EFFECT,
        FindingKind.EVIDENCE_HURTS,
        FindingKind.OVERLAPPING_PATHWAYS,
        FindingKind.NOT_RENEWABLE,
        FindingKind.RENEWABLE_ONLY,
        FindingKind.THRESHOLD_WITHOUT_EFFECT,
        FindingKind.READING_WITHOUT_EFFECT,
        FindingKind.READING_DECIDES,
    }
)
"""The kinds of findings that brute force finds too."""
OUTSIDE = FindingKind.REFERRAL_OUTSIDE


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something the engine says of a random policy that brute force does not say, or lacks."""

    policy: str
    version: str
    about: str
    said: str


Result: TypeAlias = tuple[Counter[str], list[Disagreement]]
"""Counts of what was compared, and where the two disagree."""

# --- Random policies ------------------------------------------------------------------------


def random_folder(rng: random.Random, policies: int, most_points: int) -> synthetic.Folder:
    """Draw policies of which some have a fault, and some ask for the kind of request."""
    vocabulary = random_vocabulary(rng)
    drawn = []
    for number in synthetic.numbers(policies):
        further: list[Fact] = []
        if rng.random() < 0.5:
            further.append(synthetic.REQUEST)
            if rng.random() < 0.3:
                further.append(synthetic.LINE_OF_BUSINESS)
        fault = rng.choice(synthetic.FAULTS) if rng.random() < 0.15 else None
        drawn.append(
            synthetic.random_policy(
                rng, vocabulary, number, most_points=most_points, further=further, fault=fault
            )
        )
    return synthetic.Folder(vocabulary, drawn)


PHASES = ("request", "line_of_business")
"""The facts by which comparisons are told apart into phases."""


def compare_synthetic(
    *, seed: str, policies: int, most_points: int = MOST_POINTS
) -> Iterator[Result]:
    """Analyse random policies both ways."""
    rng = random.Random(seed)
    folder = random_folder(rng, policies, most_points)
    with TemporaryDirectory() as name:
        folder.write(Path(name))
        kb = KnowledgeBase.load(name)
    for place, policy in enumerate(folder.policies):
        for version in policy.versions:
            readings = {name: rng.choice(choices) for name, choices in policy.readings.items()}
            yield checked(kb, policy, version, readings)
            yield routed(kb, policy, version, readings)
        if len(policy.versions) > 1:
            yield compared(kb, policy, policy, policy.versions)
        partners = folder.policies[:place]
        if partners:
            other = rng.choice(partners)
            yield compared(kb, policy, other, (policy.versions[-1], other.versions[-1]))


def checked(
    kb: KnowledgeBase, policy: synthetic.Policy, version: str, readings: Mapping[str, str]
) -> Result:
    """Compare the findings of one version, and replay their witnesses."""
    expected, _ = expected_findings(policy, version, readings)
    counts = Counter({"synthetic versions checked": 1})
    everything = kb.check(policy.number, on=version, readings=readings)
    findings = [finding for finding in everything if finding.kind in COMPARED]
    found = Counter((finding.kind.value, _subject(finding)) for finding in findings)
    said = [f"found and not so: {each}" for each in sorted((found - expected.findings).elements())]
    said += [f"not found: {each}" for each in sorted((expected.findings - found).elements())]
    for finding in findings:
        counts[f"finding {finding.kind}"] += 1
        if finding.kind is FindingKind.READING_DECIDES:
            shown = {witness.shows for witness in finding.witnesses}
            moves = expected.directions.get(finding.subject, [])
            if not shown <= set().union(*moves) or any(len(shown & each) != 1 for each in moves):
                said.append(f"{finding.subject} moves {sorted(shown)}")
            counts["readings that move a part alone"] += any(w.parts for w in finding.witnesses)
    said += [f"{each.id} does not replay" for each in unreplayed_findings(kb, findings)]
    outside = {each.subject for each in everything if each.kind is OUTSIDE}
    if outside != expected.referred:
        said.append(f"referred to {sorted(outside)}, expected {sorted(expected.referred)}")
    counts["witnesses replayed"] += sum(len(finding.witnesses) for finding in findings)
    return counts, [Disagreement(policy.number, version, "check", each) for each in said]


def _subject(finding: Finding) -> str:
    """Return the subject of a finding, in an order of its own where the engine's is open."""
    before, colon, after = finding.subject.partition(": ")
    if colon and finding.kind in (FindingKind.CONTAINED, FindingKind.NEVER_MET):
        return f"{before}: {way_named(after)}"
    if colon and finding.kind is FindingKind.SAME_EFFECT:
        return f"{' = '.join(sorted(before.split(' = ')))}: {after}"
    return finding.subject


def compared(
    kb: KnowledgeBase,
    policy: synthetic.Policy,
    other: synthetic.Policy,
    versions: Sequence[str],
) -> Result:
    """Compare two versions, or two policies, under the default readings."""
    counts: Counter[str] = Counter()
    universe = Universe([*policy.facts, *other.facts])
    if universe.size > LARGEST_PAIR:
        return counts, []
    first, second = (
        Laid(universe, each, version, {name: c[0] for name, c in each.readings.items()})
        for each, version in zip((policy, other), versions, strict=True)
    )
    if policy is other:
        comparison = kb.diff(policy.number, *versions)
    else:
        comparison = kb.compare(policy.number, other.number, on=versions[0])
    counts["synthetic comparisons"] += 1
    counts[f"verdict {comparison.verdict}"] += 1
    expected = expected_differences(first, second)
    said = list(_different(universe, comparison, expected, counts))
    anybody = first.valid & second.valid
    verdict = expected_verdict(expected) if anybody else "no-common-patient"
    if comparison.verdict != verdict:
        said.append(f"verdict {comparison.verdict}, expected {verdict}")
    # What neither policy asks about tells no phases apart.
    asked = {name for phase in comparison.phases for name in phase.facts}
    names = [name for name in PHASES if name in asked]
    phases = {
        _phase(universe, phase.facts, names): phase.verdict.value for phase in comparison.phases
    }
    expected_here = expected_phases(first, second, names) if comparison.phases else {}
    if phases != expected_here:
        said.append(f"phases {phases}, expected {expected_here}")
    if not comparison.complete:
        said.append("not complete")
    witnesses = [
        witness
        for difference in comparison.differences
        for region in difference.regions
        for witness in region.witnesses
    ]
    said += [f"{each} does not replay" for each in witnesses if not replays(kb, each)]
    counts["witnesses replayed"] += len(witnesses)
    about = f"compared with {other.number} {versions[1]}"
    return counts, [Disagreement(policy.number, versions[0], about, each) for each in said]


def _phase(universe: Universe, facts: Mapping[str, Known], names: Iterable[str]) -> tuple[str, ...]:
    region = as_region(universe, facts)
    return tuple(str(universe.units[name].values[region[name][0]]) for name in names)


def _different(
    universe: Universe,
    comparison: Compared,
    expected: Mapping[tuple[str, str, str], tuple[int, int]],
    counts: Counter[str],
) -> Iterator[str]:
    found = {(each.part, each.first, each.second): each for each in comparison.differences}
    for key in sorted(found.keys() ^ expected.keys()):
        yield f"{key}: {'found and not so' if key in found else 'not found'}"
    for key in found.keys() & expected.keys():
        regions = [as_region(universe, region.facts) for region in found[key].regions]
        counts[f"regions, {key[0]}"] += len(regions)
        for fault in faults_of_regions(universe, regions, *expected[key]):
            yield f"{key}: {fault}"


def routed(
    kb: KnowledgeBase, policy: synthetic.Policy, version: str, readings: Mapping[str, str]
) -> Result:
    """Compare the routes to each outcome."""
    counts: Counter[str] = Counter()
    said: list[str] = []
    universe = Universe(policy.facts)
    laid = Laid(universe, policy, version, readings)
    for outcome, holds in laid.outcomes.items():
        routes = kb.routes(policy.number, on=version, outcome=outcome, readings=readings)
        counts["routes"] += len(routes)
        wanted: dict[str | None, int] = {None: holds}
        if outcome == "approve":
            wanted = {
                pathway: laid.approves[pathway] & laid.outcomes[outcome]
                for pathway in policy.pathways
            }
        listed: dict[str | None, list[Route]] = {pathway: [] for pathway in wanted}
        for route in routes:
            listed[route.pathway].append(route)
        for pathway, bits in wanted.items():
            regions = [as_region(universe, route.facts) for route in listed[pathway]]
            said += [
                f"{outcome} {pathway}: {fault}"
                for fault in faults_of_regions(universe, regions, bits, laid.valid)
            ]
    return counts, [Disagreement(policy.number, version, "routes", each) for each in said]


def as_region(universe: Universe, facts: Mapping[str, Known]) -> Region:
    """Read what is known of facts as values of units; a fact that is not asked for is left out."""
    region: dict[str, tuple[int, ...]] = {}
    for name, known in facts.items():
        match known:
            case Truth(value):
                region[name] = (int(value),)
            case OneOf(values):
                of_unit = universe.units[name].values
                region[name] = tuple(sorted(of_unit.index(value) for value in values))
            case Bounds(low, high):
                region[name] = _between(universe, name, low, high)
            case Members(includes, excludes):
                region |= {f"{name}.{member}": (1,) for member in includes}
                region |= {f"{name}.{member}": (0,) for member in excludes}
    return region


def _between(universe: Universe, name: str, low: int, high: int) -> tuple[int, ...]:
    """Return the intervals between two ends, which are in steps of the last decimal."""
    intervals = list(intervals_of(universe.units[name]))
    scale = 10 if any(isinstance(interval.low, Decimal) for interval in intervals) else 1
    return tuple(
        place
        for place, interval in enumerate(intervals)
        if low <= interval.low * scale and interval.high * scale <= high
    )


# --- The packaged policies ------------------------------------------------------------------


def checked_packaged(
    kb: KnowledgeBase, read: analysed_cases.Reading, *, seed: str, patients: int = PATIENTS
) -> Result:
    """Look for patients that refute what is found of a version, or show what is not found."""
    rng = random.Random(seed)
    policy = kb.policy(read.policy)
    analyst = Analyst(kb.vocabulary, kb.policies, {})
    findings = analyst.check(policy, policy.version(read.version), read.readings)
    forms = [_form(kb, finding) for finding in findings]
    witnesses = [witness["case"]["facts"] for form in forms for witness in form["witnesses"]]
    drawn = analysed_cases.sample(rng, read.policy, patients)
    near = analysed_cases.standing_for(rng, drawn, witnesses)
    flipped = rng.sample(list(flips_of(near)), min(patients, 100 * len(near)))
    everyone = [*drawn, *near, *flipped]
    said = list(analysed_cases.refuted(rng, read, forms, everyone))
    determined: list[Any] = [
        kb.determine(
            Case(policy=read.policy, on=read.version, facts=analysed_cases.case_of(patient)),
            readings=read.readings,
        ).to_json()
        for patient in rng.sample(everyone, min(len(everyone), patients * DETERMINED // PATIENTS))
    ]
    statuses = [
        analysed_cases.statuses_of([form["criteria"], *form["routing"]])
        for form in determined
        if form["criteria"] and not form["problems"]
    ]
    said += analysed_cases.refuted_criteria(forms, statuses)
    said += [f"{each.id} does not replay" for each in unreplayed_findings(kb, findings)]
    counts = Counter(
        {
            "packaged versions checked": 1,
            "findings of packaged policies": len(findings),
            "patients against findings": len(everyone),
            "patients determined": len(statuses),
            "witnesses replayed": len(witnesses),
        }
    )
    about = f"check under {_chosen(read)}"
    return counts, [Disagreement(read.policy, read.version, about, each) for each in said]


def _chosen(read: analysed_cases.Reading) -> str:
    defaults = {name: choices[0] for name, choices in oracle.READINGS[read.policy].items()}
    others = [f"{n}={c}" for n, c in read.readings.items() if c != defaults[n]]
    return ", ".join(others) or "the default readings"


def _form(kb: KnowledgeBase, finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "kind": finding.kind.value,
        "subject": finding.subject,
        "sections": finding.sections,
        "witnesses": [witness_json(witness, kb.vocabulary) for witness in finding.witnesses],
    }


def flips_of(
    patients: Iterable[analysed_cases.Patient],
) -> Iterator[analysed_cases.Patient]:
    """Give all who differ from one of some patients in one unit."""
    for patient in patients:
        yield from analysed_cases.flips(patient)


def compared_packaged(
    kb: KnowledgeBase,
    first: analysed_cases.Reading,
    second: analysed_cases.Reading,
    *,
    seed: str,
    patients: int = PATIENTS,
) -> Result:
    """Look for patients inside and outside of the regions in which two versions part."""
    rng = random.Random(seed)
    one, other = (
        (kb.policy(each.policy), kb.policy(each.policy).version(each.version))
        for each in (first, second)
    )
    analyst = Analyst(kb.vocabulary, kb.policies, {})
    comparison = analyst.compare(one, other, first.readings, second.readings)
    form: Any = comparison_json(comparison, kb.vocabulary)
    regions = [region for each in form["differences"] for region in each["regions"]]
    drawn = analysed_cases.sample(rng, first.policy, patients)
    drawn += analysed_cases.sample(rng, second.policy, patients)
    near = analysed_cases.standing_for(rng, drawn, (region["facts"] for region in regions))
    flipped = list(flips_of(rng.sample(near, min(len(near), patients // 50))))
    everyone = [*drawn, *near, *flipped]
    said = list(analysed_cases.misplaced(first, second, form, everyone))
    keys = [(each["part"], each["first"], each["second"]) for each in form["differences"]]
    if form["verdict"] != expected_verdict(keys):
        said.append(f"verdict {form['verdict']}, expected {expected_verdict(keys)}")
    if not form["complete"]:
        said.append("not complete")
    witnesses = [
        witness
        for difference in comparison.differences
        for region in difference.regions
        for witness in region.witnesses
    ]
    tried = rng.sample(witnesses, min(len(witnesses), patients // 5))
    said += [f"{each} does not replay" for each in tried if not replays(kb, each)]
    counts = Counter(
        {
            "packaged comparisons": 1,
            "regions of packaged policies": len(regions),
            "patients against regions": len(everyone),
            "witnesses replayed": len(tried),
        }
    )
    about = f"{_chosen(first)}, compared with {second.policy} {second.version}, {_chosen(second)}"
    return counts, [Disagreement(first.policy, first.version, about, each) for each in said]


def routed_packaged(
    kb: KnowledgeBase, read: analysed_cases.Reading, outcome: str, *, seed: str, patients: int
) -> Result:
    """Look for patients on and off the routes to an outcome."""
    rng = random.Random(seed)
    routes = kb.routes(read.policy, on=read.version, outcome=outcome, readings=read.readings)
    form: Any = routes_json(read.policy, read.version, outcome, routes, kb.vocabulary)
    drawn = analysed_cases.sample(rng, read.policy, patients)
    some = rng.sample(form["routes"], min(len(form["routes"]), patients))
    near = analysed_cases.standing_for(rng, drawn, (route["facts"] for route in some))
    flipped = list(flips_of(rng.sample(near, min(len(near), patients // 50))))
    everyone = [*drawn, *near, *flipped]
    said = list(analysed_cases.off_route(read, outcome, form["routes"], everyone))
    counts = Counter(
        {"routes of packaged policies": len(routes), "patients against routes": len(everyone)}
    )
    return counts, [Disagreement(read.policy, read.version, "routes", each) for each in said]


# --- Many -----------------------------------------------------------------------------------

_loaded: list[KnowledgeBase] = []


def _packaged() -> KnowledgeBase:
    """Load the packaged knowledge base once a process."""
    if not _loaded:
        _loaded.append(KnowledgeBase.load())
    return _loaded[0]


def packaged_chunks(seed: str) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    """List what is looked at of the packaged policies, each with a seed."""
    for policy, versions in oracle.VERSIONS.items():
        for readings in analysed_cases.all_readings(policy):
            reads = [analysed_cases.Reading(policy, version, readings) for version in versions]
            for read in reads:
                yield "check", f"{seed}:{read.version}", (read,)
                for outcome in OUTCOMES:
                    yield "routes", f"{seed}:{read.version}", (read, outcome)
            for first, second in pairwise(reads):
                yield "compare", f"{seed}:{first.version}", (first, second)
    fep, centene = (
        analysed_cases.Reading(policy, versions[-1], next(analysed_cases.all_readings(policy)))
        for policy, versions in oracle.VERSIONS.items()
    )
    yield "compare", seed, (fep, centene)
    yield "compare", seed, (centene, fep)


def _looked_at(chunk: tuple[str, str, tuple[Any, ...]]) -> Result:
    """Do one chunk in a process of its own."""
    kind, seed, about = chunk
    if kind == "check":
        return checked_packaged(_packaged(), *about, seed=seed)
    if kind == "compare":
        return compared_packaged(_packaged(), *about, seed=seed)
    if kind == "routes":
        return routed_packaged(_packaged(), *about, seed=seed, patients=PATIENTS)
    counts: Counter[str] = Counter()
    said: list[Disagreement] = []
    for counted, found in compare_synthetic(seed=seed, policies=about[0]):
        counts += counted
        said += found
    return counts, said


def main() -> int:
    """Run the comparisons, print their counts, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policies", type=int, default=1_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--processes", type=int, default=cpu_count())
    parser.add_argument("--random-policies-only", action="store_true")
    options = parser.parse_args()
    started = time.monotonic()
    chunks: list[tuple[str, str, tuple[Any, ...]]] = [
        ("synthetic", f"{options.seed}:{start}", (min(FOLDER, options.policies - start),))
        for start in range(0, options.policies, FOLDER)
    ]
    if not options.random_policies_only:
        chunks += packaged_chunks(options.seed)
    counts: Counter[str] = Counter()
    said: list[Disagreement] = []
    with get_context("spawn").Pool(options.processes) as pool:
        for counted, found in pool.imap_unordered(_looked_at, chunks):
            counts += counted
            said += found
    for what in sorted(counts):
        print(f"{counts[what]:8}  {what}")
    print(f"{len(said):8}  disagreements")
    print(f"{time.monotonic() - started:8.0f}  seconds in {options.processes} processes")
    for disagreement in said[:SHOWN]:
        print(json.dumps(asdict(disagreement)))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
