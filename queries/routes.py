"""Routes as people and programs see them: every minimal way to an outcome of a policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.analysis.difference import Route
from engine.policy import section_order
from facts.vocabulary import Vocabulary
from queries.grouping import group_alike
from queries.patients import patients, patients_with, size
from queries.witnesses import stated


@dataclass(frozen=True, slots=True)
class RouteRow:
    """Routes that differ in one drug alone, in words; `routes` says how many they are."""

    patients: str
    sections: tuple[str, ...]
    routes: int


@dataclass(frozen=True, slots=True)
class RouteGroup:
    """The routes of one pathway, the shortest first; None for what falls under no pathway."""

    pathway: str | None
    rows: tuple[RouteRow, ...]
    routes: int


def routes_json(
    policy: str, version: str, outcome: str, routes: Sequence[Route], vocabulary: Vocabulary
) -> dict[str, object]:
    """Return the JSON form of the routes of one version to one outcome."""
    return {
        "policy": policy,
        "version": version,
        "outcome": outcome,
        "routes": [
            {
                "pathway": route.pathway,
                "facts": stated(route.facts, vocabulary),
                "sections": list(route.sections),
            }
            for route in _ordered(routes, vocabulary)
        ],
    }


def route_groups(routes: Sequence[Route], vocabulary: Vocabulary) -> tuple[RouteGroup, ...]:
    """Put routes into words, pathway by pathway."""
    pathways = dict.fromkeys(route.pathway for route in _ordered(routes, vocabulary))
    return tuple(
        _group(
            pathway,
            [route for route in _ordered(routes, vocabulary) if route.pathway == pathway],
            vocabulary,
        )
        for pathway in pathways
    )


def _group(pathway: str | None, routes: Sequence[Route], vocabulary: Vocabulary) -> RouteGroup:
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
        )
        for group in alike
    )
    return RouteGroup(pathway, rows, len(routes))


def _ordered(routes: Sequence[Route], vocabulary: Vocabulary) -> list[Route]:
    return sorted(
        routes,
        key=lambda route: (
            section_order(route.pathway or "~"),
            size(route.facts),
            patients_with(route.facts, vocabulary),
        ),
    )
