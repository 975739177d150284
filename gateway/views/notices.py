"""What is told of a document before all else: sentences of ours, in Danish, that its content cannot know."""

from __future__ import annotations

from datetime import datetime

from gateway.domain.evidence import ReasonCode
from gateway.domain.identifiers import Uuid4
from gateway.views.danish import time_in_words, visible


def corrected(newer: Uuid4) -> str:
    """That a newer document, of this id, replaces this one."""
    return f"Dette dokument er rettet af et nyere: {newer}. Læs det nyere i stedet."


def withdrawn(at: datetime, reason: ReasonCode) -> str:
    """That its sender took this document back, at this time (zoned), and why."""
    return f"Afsenderen har kaldt dette dokument tilbage {time_in_words(at)}. {visible(reason.words.danish)}"
