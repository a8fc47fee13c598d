"""What tests share: the packaged knowledge base, loaded once, and the examples explained by it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.explanation import Explanation
from policygrounds import Case, KnowledgeBase

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="session")
def kb() -> KnowledgeBase:
    return KnowledgeBase.load()


@pytest.fixture(scope="session")
def explained(kb: KnowledgeBase) -> Callable[..., Explanation]:
    """Explain an example by its id, with the options of `explain`, perhaps under another policy."""
    examples = [*json.loads((EXAMPLES / "vignettes.json").read_text())]
    examples.append(json.loads((EXAMPLES / "partial.json").read_text()))
    cases = {example["id"]: Case.from_json(example) for example in examples}
    known: dict[str, Explanation] = {}

    def explain(identifier: str, policy: str | None = None, **options: object) -> Explanation:
        key = repr((identifier, policy, sorted(options.items())))
        if key not in known:
            case = cases[identifier]
            case = case if policy is None else replace(case, policy=policy)
            known[key] = kb.explain(case, **options)  # type: ignore[arg-type]
        return known[key]

    return explain
