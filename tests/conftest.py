"""What tests share: the packaged knowledge base, loaded once."""

import pytest

from policygrounds import KnowledgeBase


@pytest.fixture(scope="session")
def kb() -> KnowledgeBase:
    return KnowledgeBase.load()
