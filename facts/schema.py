"""The JSON Schema of a case, made from the vocabulary, so that editors complete and check."""

from collections.abc import Iterable

from facts.vocabulary import Fact, Kind, Vocabulary


def case_schema(vocabulary: Vocabulary, policies: Iterable[str]) -> dict[str, object]:
    """Return the schema (draft 2020-12) of one case or a list of cases."""
    case: dict[str, object] = {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "integer", "null"], "description": "Comes back in answers."},
            "policy": {"enum": sorted(policies), "description": "The number of the policy."},
            "on": {
                "type": ["string", "null"],
                "format": "date",
                "description": "The day whose version of the policy decides; today if left out.",
            },
            "facts": {
                "type": "object",
                "description": "What is known. A fact left out, or null, is unknown.",
                "properties": {
                    name: _fact(fact) for name, fact in sorted(vocabulary.facts.items())
                },
                "additionalProperties": False,
            },
        },
        "required": ["policy", "facts"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cases for policygrounds",
        "anyOf": [{"$ref": "#/$defs/case"}, {"type": "array", "items": {"$ref": "#/$defs/case"}}],
        "$defs": {"case": case},
    }


def _fact(fact: Fact) -> dict[str, object]:
    forms = {
        Kind.BOOLEAN: _boolean,
        Kind.NUMBER: _number,
        Kind.CHOICE: _choice,
        Kind.SET: _set,
    }[fact.kind](fact)
    unit = f" ({fact.unit})" if fact.unit else ""
    return {
        "title": f"{fact.title}{unit}",
        "description": fact.question,
        "anyOf": [*forms, {"type": "null"}],
    }


def _boolean(_: Fact) -> list[dict[str, object]]:
    return [{"type": "boolean"}]


def _number(fact: Fact) -> list[dict[str, object]]:
    number: dict[str, object] = {
        "type": "number" if fact.decimals else "integer",
        "minimum": fact.number(fact.lowest),
        "maximum": fact.number(fact.highest),
    }
    end = _or_null(number)
    return [number, _object({"at_least": end, "at_most": end})]


def _choice(fact: Fact) -> list[dict[str, object]]:
    some: dict[str, object] = {
        "type": "array",
        "items": {"enum": list(fact.values)},
        "minItems": 1,
    }
    return [{"enum": list(fact.values)}, _object({"one_of": _or_null(some)})]


def _set(fact: Fact) -> list[dict[str, object]]:
    some: dict[str, object] = {"type": "array", "items": {"enum": list(fact.values)}}
    return [some, _object({"includes": _or_null(some), "excludes": _or_null(some)})]


def _or_null(schema: dict[str, object]) -> dict[str, object]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: dict[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}
