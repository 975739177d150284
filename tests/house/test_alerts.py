"""Every alert can sound, says what `bropost check` says, and has its paragraph in the runbook."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from docs.generate_alerts import alert_rules
from gateway.domain.alerts import Alert
from gateway.domain.catalogue import Code
from gateway.domain.gauges import Gauge
from gateway.interfaces.metrics import Metrics
from gateway.interfaces.worker import DUTIES

DOCS: Final = Path(__file__).parents[2] / "docs"
QUESTIONS: Final = ("**Means:**", "**Hit:**", "**Look:**", "**Do:**", "**Over:**")
each_alert = pytest.mark.parametrize("alert", Alert, ids=lambda alert: alert.title)


@cache
def runbook() -> dict[str, str]:
    """The paragraphs of the section on alerts, by their headings."""
    page = (DOCS / "operations.md").read_text("utf-8")
    section = re.split(r"^## ", page.partition("\n## Alerts\n")[2], flags=re.MULTILINE)[0]
    parts = re.split(r"^### (\w+)\n", section, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def counted() -> set[str]:
    """The names of everything that is counted, before anything was."""
    metrics = Metrics()
    metrics.worker_begins(DUTIES)
    return set(re.findall(r"^# TYPE (\w+) ", metrics.exposition().decode(), re.MULTILINE))


@each_alert
def test_an_alert_looks_at_a_metric_that_is_there(alert: Alert) -> None:
    named = set(re.findall(r"bropost_\w+", alert.expression))
    known = {each.value.name for each in Gauge} | counted() | {f"{each}_bucket" for each in counted()}
    assert named
    assert named <= known


@each_alert
def test_an_alert_has_a_paragraph_that_answers_every_question(alert: Alert) -> None:
    paragraph = runbook()[alert.title]
    places = [paragraph.index(question) for question in QUESTIONS]
    assert places == sorted(places)
    assert all(
        len(answer.split()) > 1 for answer in re.split("|".join(map(re.escape, QUESTIONS)), paragraph)[1:]
    )


def test_every_paragraph_of_the_runbook_is_of_an_alert() -> None:
    assert list(runbook()) == [alert.title for alert in Alert]


@each_alert
def test_the_rules_file_says_what_the_table_says(alert: Alert) -> None:
    (rule,) = re.findall(
        rf"^      - alert: {alert.title}\n((?:        .*\n)+)", alert_rules(), flags=re.MULTILINE
    )
    assert alert.value.english in rule
    assert f"severity: {alert.value.severity.value}\n" in rule
    assert f"#{alert.title.lower()}" in rule


def test_codes_in_an_expression_are_codes_of_the_catalogue() -> None:
    named = {
        code
        for alert in Alert
        for codes in re.findall(r'code=~"([^"]+)"', alert.expression)
        for code in codes.split("|")
    }
    assert {"INTERNAL", "BUSY"} <= named
    assert named <= {code.name for code in Code}


def test_a_first_defect_is_seen_as_a_rise() -> None:
    """Prometheus sees no rise in a series that was not there before, so those that alarm begin at nought."""
    exposition = Metrics().exposition().decode()
    for code in ("INTERNAL", "STORED_DATA_ALTERED", "KEY_MISSING", "BUSY", "STORE_UNAVAILABLE"):
        for service in ("municipality", "institution"):
            assert f'bropost_refused_total{{code="{code}",service="{service}"}} 0.0\n' in exposition


def test_every_gauge_has_its_unit_or_a_truth_in_its_name() -> None:
    ends = (
        "_seconds",
        "_days",
        "_bytes",
        "_parked",
        "_missing",
        "_failures",
        "_up",
        "_usable",
        "_synchronised",
    )
    assert [each.value.name for each in Gauge if not each.value.name.endswith(ends)] == []
    assert [each.value.name for each in Gauge if not each.value.help.endswith(".")] == []
