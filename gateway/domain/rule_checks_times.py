"""The rule on the days that a document sets for its recipient (D03): none that has been, none beyond a year.

Deadlines are made of these days. One in the past would pass at once, and one that is far away would be no deadline.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from gateway.domain.document import day_of
from gateway.domain.kinds import DocumentKind
from gateway.domain.rule_context import Case, error
from gateway.domain.rules import Finding, Rule, Words

_LONGEST: Final = timedelta(days=366)  # a year, with the day that a leap year has more
_REPLY_DUE: Final = Words("Svarfristen", "The day by which an answer is wished for")
_FOLLOW_UP: Final = Words("Dagen for opfølgning", "The day of the follow-up")


def check_times(case: Case) -> Iterator[Finding]:
    """The findings on the days by which a document wants something."""
    document = case.document
    places = [(document.header.find("ReplyDue"), _REPLY_DUE)]
    if document.kind is DocumentKind.AGREEMENT_NOTICE:
        places.append((document.body.find("FollowUpOn"), _FOLLOW_UP))
    for node, field in places:
        if (
            node is not None
            and not case.document.created_on <= day_of(node) <= case.document.created_on + _LONGEST
        ):
            yield error(Rule.D03, node, field=field)
