"""The JSON Schema of a case, made from the vocabulary, so that editors complete and check."""

from collections.abc import Iterable, Mapping

from facts.records import LISTS, NONE, ONGOING, RecordWords
from facts.vocabulary import Fact, Kind, Vocabulary

_DATE = {"type": "string", "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$"}
"""A day, a month or a year."""
_AMOUNT = {"type": "number", "minimum": 0}
_COUNT = {"type": "integer", "minimum": 1}
_TRUTH = {"type": "boolean"}


def case_schema(
    vocabulary: Vocabulary, policies: Iterable[str], words: RecordWords
) -> dict[str, object]:
    """Return the schema (draft 2020-12) of one case or a list of cases.

    `words` are those records are written in.
    """
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
            "records": _or_null(_records(words)),
        },
        "required": ["policy", "facts"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cases for policygrounds",
        "anyOf": [{"$ref": "#/$defs/case"}, {"type": "array", "items": {"$ref": "#/$defs/case"}}],
        "$defs": {"case": case},
    }


def _records(words: RecordWords) -> dict[str, object]:
    """Return the schema of a patient's records."""

    def word(field: str) -> dict[str, object]:
        return {"enum": sorted({*words.words[field], *words.words[field].values()})}

    drugs = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    lists: dict[str, dict[str, Mapping[str, object]]] = {
        "therapies": {
            "drugs": drugs,
            "line": _COUNT,
            "phase": word("phase"),
            "start": _DATE,
            "end": {"anyOf": [{"const": ONGOING}, _DATE]},
            "best_response": word("best_response"),
            "progression": {"anyOf": [{"const": NONE}, _DATE]},
            "stop_reason": word("stop_reason"),
        },
        "laboratory": {
            "code": {"enum": sorted(words.loinc)},
            "measurement": {"enum": sorted(words.analytes)},
            "value": {"anyOf": [_AMOUNT, {"type": "string"}]},
            "unit": {"type": "string"},
            "upper_limit": _AMOUNT,
            "date": _DATE,
        },
        "cytogenetics": {
            "finding": word("finding"),
            "method": word("method"),
            "result": word("result"),
            "date": _DATE,
        },
        "prescriptions": {
            "drug": {"type": "string"},
            "requested": _TRUTH,
            "strength_mg": _AMOUNT,
            "capsules_per_dose": _COUNT,
            "dose_days": {"type": "array", "items": _COUNT},
            "doses_per_cycle": _COUNT,
            "cycle_days": _COUNT,
            "filled": _DATE,
            "days_supply": _COUNT,
            "paid_by_plan": _TRUTH,
        },
    }
    needed = {
        "therapies": ["drugs"],
        "laboratory": ["value"],
        "cytogenetics": ["finding", "method", "result"],
        "prescriptions": ["drug"],
    }
    whole = {
        "birth_date": _or_null(_DATE),
        "complete": {"type": "array", "items": {"enum": list(LISTS)}},
        **{
            name: {
                "type": "array",
                "items": {
                    **_object(
                        {
                            field: form if field in needed[name] else _or_null(form)
                            for field, form in fields.items()
                        }
                    ),
                    "required": needed[name],
                },
            }
            for name, fields in lists.items()
        },
    }
    return {**_object(whole), "description": "The patient's record, from which facts are derived."}


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


def _or_null(schema: Mapping[str, object]) -> dict[str, object]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False}
