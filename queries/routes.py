"""Routes as people and programs see them: every minimal way to an outcome of a policy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.analysis.difference import Route
from engine.policy import Policy, Version, section_order
from facts.vocabulary import Vocabulary
from queries.findings import chosen
from queries.grouping import group_alike
from queries.patients import patients, patients_with, size
from queries.phrases import counted
from queries.witnesses import stated

DEFAULT: Mapping[str, str] = {}
"""No reading chosen otherwise than by default."""


@dataclass(frozen=True, slots=True)
class RouteRow:
    """Routes that differ in one drug alone, in words; `routes` says how many they are.

    `facts` are those of the first of them, as a case states them.
    """

    patients: str
    sections: tuple[str, ...]
    routes: int
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """The routes of one pathway, the shortest first; None for what falls under no pathway."""

    pathway: str | None
    text: str
    rows: tuple[RouteRow, ...]
    routes: str


@dataclass(frozen=True, slots=True)
class RoutesView:
    """The routes of one version to one outcome, in words, under the readings chosen, if any are."""

    policy: Policy
    version: Version
    outcome: str
    readings: str
    groups: tuple[RouteGroup, ...]
    summary: str


def routes_json(
    policy: str,
    version: str,
    outcome: str,
    routes: Sequence[Route],
    vocabulary: Vocabulary,
    readings: Mapping[str, str] = DEFAULT,
) -> dict[str, object]:
    """Return the JSON form of the routes of one version to one outcome."""
    return {
        "policy": policy,
        "version": version,
        "outcome": outcome,
        "readings": dict(readings),
        "routes": [
            {
                "pathway": route.pathway,
                "facts": stated(route.facts, vocabulary),
                "sections": list(route.sections),
            }
            for route in _ordered(routes, vocabulary)
        ],
    }


def routes_view(
    policy: Policy,
    version: Version,
    outcome: str,
    routes: Sequence[Route],
    vocabulary: Vocabulary,
    readings: Mapping[str, str] = DEFAULT,
) -> RoutesView:
    """Put routes into words, pathway by pathway."""
    ordered = _ordered(routes, vocabulary)
    return RoutesView(
        policy,
        version,
        outcome,
        chosen(readings),
        tuple(
            _group(
                pathway,
                version.texts.get(pathway or "", ""),
                [route for route in ordered if route.pathway == pathway],
                vocabulary,
            )
            for pathway in dict.fromkeys(route.pathway for route in ordered)
        ),
        f"{counted(len(routes), 'route')} to {outcome}"
        if routes
        else f"no route to {outcome}: no patient gets there",
    )


def _group(
    pathway: str | None, text: str, routes: Sequence[Route], vocabulary: Vocabulary
) -> RouteGroup:
    alike = group_alike(
        [route.facts for route in routes],
        [route.sections for route in routes],
        vocabulary,
        any_drugs=True,
    )
    rows = tuple(
        RouteRow(
            patients(group.values, vocabulary),
            routes[group.numbers[0]].sections,
            len(group.numbers),
            stated(routes[group.numbers[0]].facts, vocabulary),
        )
        for group in alike
    )
    return RouteGroup(pathway, text, rows, counted(len(routes), "route"))


def _ordered(routes: Sequence[Route], vocabulary: Vocabulary) -> list[Route]:
    return sorted(
        routes,
        key=lambda route: (
            section_order(route.pathway or "~"),
            size(route.facts),
            patients_with(route.facts, vocabulary),
        ),
    )
