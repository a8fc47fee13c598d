"""What a change of a policy does to a table of cases, and where no case at all can be touched."""

from queries.impact.changes import (
    PolicyChange,
    Side,
    change_of_readings,
    change_of_version,
    change_to_draft,
)
from queries.impact.counting import Question, impact_on
from queries.impact.regions import prove
from queries.impact.result import (
    DifferenceSeen,
    Impact,
    Pair,
    Proof,
    RegionSeen,
    Responsible,
    Share,
    adverse,
    share,
)

__all__ = [
    "DifferenceSeen",
    "Impact",
    "Pair",
    "PolicyChange",
    "Proof",
    "Question",
    "RegionSeen",
    "Responsible",
    "Share",
    "Side",
    "adverse",
    "change_of_readings",
    "change_of_version",
    "change_to_draft",
    "impact_on",
    "prove",
    "share",
]
