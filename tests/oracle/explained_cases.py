"""Draw requests for explanations under the two policies of the oracle."""

import itertools
import math
import random
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import oracle
from drawing import Request, another, forgotten, random_spoils, random_want, stated
from explanations import (
    Decide,
    Fact,
    Interval,
    Number,
    Points,
    Unit,
    Verdict,
    concrete,
    every,
    lay_out,
    reached,
    read_case,
    units_of,
)

# What only a correction of the record could change: the rest the requester can bring about,
# document or wait for.
_CHANGERS: dict[str, str] = {
    **dict.fromkeys(
        (
            "request",
            "line_of_business",
            "on_formulary",
            "label_changed_recently",
            "age",
            "diagnosis",
            "t_11_14",
            "days_to_progression",
            "months_since_induction",
            "progression",
            "unacceptable_toxicity",
        ),
        "fixed",
    ),
    **dict.fromkeys(
        ("disease_state", "treatment_setting", "prior_lines", "prior_drugs", "days_on_drug"),
        "wait",
    ),
    **dict.fromkeys(
        (
            "requested_months",
            "regimen",
            "same_regimen_as_induction",
            "weekly_dose_mg",
            "dosing_weeks",
            "cycle_days",
            "dose_increase",
            "prescriber",
            "specialist_consulted",
        ),
        "prescribe",
    ),
}

# The first number of each interval but the lowest.
_CUTS: dict[str, tuple[Number, ...]] = {
    "age": (18,),
    "prior_lines": (1, 2),
    "days_to_progression": (61,),
    # Six months or more, and more than six: two readings.
    "months_since_induction": (Decimal(6), Decimal("6.1")),
    "weekly_dose_mg": (Decimal("4.1"),),
    "dosing_weeks": (4,),
    "cycle_days": (28,),
    "requested_months": tuple(range(2, 13)),
    "days_on_drug": (30,),
}


def _intervals(name: str) -> tuple[Interval, ...]:
    scale = oracle.NUMBERS[name]
    starts = (scale.low, *_CUTS[name])
    ends = (*(cut - scale.step for cut in _CUTS[name]), scale.high)
    return tuple(itertools.starmap(Interval, zip(starts, ends, strict=True)))


def _fact(name: str) -> Fact:
    changer = _CHANGERS.get(name, "document")
    if name in oracle.CHOICES:
        return Fact(name, "choice", changer, oracle.CHOICES[name])
    if name in oracle.NUMBERS:
        return Fact(name, "number", changer, _intervals(name))
    if name in oracle.SETS:
        return Fact(name, "set", changer, oracle.DRUGS)
    return Fact(name, "boolean", changer)


FACTS: dict[str, Fact] = {name: _fact(name) for name in oracle.FACTS}
UNITS: dict[str, Unit] = {unit.name: unit for fact in FACTS.values() for unit in units_of(fact)}


def laid_out(request: Request) -> Points:
    """Lay out the points of a request."""
    known = read_case(FACTS.values(), request.facts)
    pool = request.pool(FACTS.values())
    axes = {name: every(unit) if name in pool else known[name] for name, unit in UNITS.items()}
    return lay_out(FACTS.values(), axes, _deciding(request))


def _deciding(request: Request) -> Decide:
    def decide(point: Mapping[str, Any]) -> Verdict | None:
        if oracle.contradictions(request.policy, point):
            return None
        return verdict_of(oracle.decide(request.policy, request.version, point, request.readings))

    return decide


_verdicts: dict[oracle.Answer, Verdict] = {}


def verdict_of(answer: oracle.Answer) -> Verdict:
    """Turn an answer of the oracle into what a want can ask for."""
    if answer not in _verdicts:
        _verdicts[answer] = Verdict(
            answer.outcome,
            months=frozenset() if answer.months is None else frozenset({str(answer.months)}),
            basis=frozenset({answer.basis} if answer.basis else ()),
            refer_to=frozenset({answer.refer_to} if answer.refer_to else ()),
        )
    return _verdicts[answer]


# Members of sets that some rule looks at; the own drug, which is never a partner, beside them.
_MEMBERS: dict[str, tuple[str, ...]] = {
    "regimen": (
        "dexamethasone",
        "lenalidomide",
        "pomalidomide",
        "cyclophosphamide",
        "venetoclax",
        "bortezomib",
        "carfilzomib",
        "rituximab",
        "ixazomib",
        "other_drug",
    ),
    "prior_drugs": (
        "bortezomib",
        "carfilzomib",
        "ixazomib",
        "lenalidomide",
        "pomalidomide",
        "thalidomide",
        "daratumumab",
        "dexamethasone",
        "cyclophosphamide",
    ),
    "refractory_to": ("lenalidomide", "daratumumab", "isatuximab", "bortezomib"),
}

_VALUES_OF_PARTS: dict[str, tuple[str, ...]] = {
    "months": ("6", "9", "12"),
    "refer_to": ("CP.PMN.53", "HIM.PA.103", "CP.CPA.09"),
    "basis": ("not_medically_necessary", "investigational"),
}

BUDGET = 4_000
"""How many points a request has at most."""


def random_request(rng: random.Random) -> Request:
    """Draw a request: most are a fact or a few away from what they ask for."""
    while True:
        request = _drawn(rng)
        if request is not None:
            return request


def _drawn(rng: random.Random) -> Request | None:
    policy = rng.choice((oracle.FEP, oracle.CENTENE, oracle.CENTENE, oracle.CENTENE))
    version = rng.choice(oracle.VERSIONS[policy])
    readings = oracle.random_readings(rng, policy)
    start = _start(rng, policy, version, readings)
    verdict = verdict_of(oracle.decide(policy, version, oracle.complete_facts(start), readings))
    want = random_want(rng, verdict, _VALUES_OF_PARTS)
    include_fixed = rng.random() < 0.35
    case = {name: places[0] for name, places in read_case(FACTS.values(), start).items()}
    relevant = _relevant(rng, policy, case)
    if want.part == "months" and "requested_months" not in relevant:
        relevant.append("requested_months")
    units = [UNITS[name] for name in relevant]
    spoiled = [unit.name for unit in random_spoils(rng, units, include_fixed=include_fixed)]
    for name in spoiled:
        case[name] = another(rng, UNITS[name], case[name])
    if rng.random() < 0.5 and _contradictory(policy, case):
        return None
    pool = _pool(rng, relevant, spoiled)
    known: dict[str, tuple[int, ...]] = {name: (place,) for name, place in case.items()}
    if rng.random() < 0.6:
        inside = rng.sample(pool, rng.randint(1, min(5, len(pool))))
        outside = rng.sample(sorted(set(UNITS) - set(pool)), rng.choice((0, 0, 1, 1, 2)))
        for name in (*inside, *outside):
            known[name] = forgotten(rng, UNITS[name], case[name])
    free = [every(unit) if name in pool else known[name] for name, unit in UNITS.items()]
    if math.prod(map(len, free)) > BUDGET:
        return None
    facts = stated(rng, FACTS.values(), known)
    request = Request(policy, version, facts, readings, want, include_fixed, tuple(pool))
    # There is less to explain where what is wanted is so already.
    as_it_is = lay_out(FACTS.values(), known, _deciding(request))
    return None if rng.random() < 0.8 and reached(as_it_is, known, want) else request


def _start(
    rng: random.Random, policy: str, version: str, readings: Mapping[str, str]
) -> dict[str, object]:
    """Draw a complete case that mostly is approved, if such a case comes up soon."""
    target = rng.choice(("approve",) * 7 + ("refer", "deny", "any"))
    while True:
        for _ in range(30):
            case = oracle.random_case(rng, policy, complete=True, free_budget=1)
            facts = oracle.complete_facts(case)
            if not oracle.contradictions(policy, facts):
                outcome = oracle.decide(policy, version, facts, readings).outcome
                if target in (outcome, "any"):
                    return case
        target = "any"


def _relevant(rng: random.Random, policy: str, case: Mapping[str, int]) -> list[str]:
    """List units that the policy looks at in a case like this one, and a few others."""
    request, diagnosis, business = (
        str(FACTS[name].values[case[name]]) for name in ("request", "diagnosis", "line_of_business")
    )
    section = oracle._section(policy, request=request, diagnosis=diagnosis)
    facts = set(oracle._facts_looked_at(policy, section, line_of_business=business))
    facts |= set(rng.sample(("request", "diagnosis", "line_of_business"), rng.choice((0, 0, 1, 2))))
    facts |= set(rng.sample(oracle._CONTRADICTION_FACTS, rng.choice((0, 0, 1, 3))))
    facts |= set(rng.sample(oracle.FACTS, rng.choice((0, 0, 1))))
    units = [name for name in facts if name not in oracle.SETS]
    for name in facts.intersection(oracle.SETS):
        members = rng.sample(_MEMBERS[name], rng.randint(1, 4))
        units += [f"{name}.{member}" for member in members]
    missing = max(0, 5 - len(units))
    return sorted({*units, *rng.sample(sorted(UNITS), missing)})


def _contradictory(policy: str, case: Mapping[str, int]) -> bool:
    facts = {
        fact.name: concrete(fact, [case[unit.name] for unit in units_of(fact)])
        for fact in FACTS.values()
    }
    return bool(oracle.contradictions(policy, facts))


def _pool(rng: random.Random, relevant: Sequence[str], spoiled: Collection[str]) -> list[str]:
    """Draw 5 to 9 units: what was spoiled, mostly, and others that are looked at."""
    pool = [name for name in spoiled if rng.random() < 0.95]
    others = [name for name in relevant if name not in spoiled]
    count = max(0, rng.randint(5, 9) - len(pool))
    return sorted(pool + rng.sample(others, min(count, len(others))))
