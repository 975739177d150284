"""Every alert can sound, says what `bropost check` says, and has its paragraph in the runbook."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from docs.generate_alerts import alert_rules
from gateway.domain.alerts import Alert
from gateway.domain.catalogue import Code, Family
from gateway.domain.gauges import Gauge
from gateway.domain.operations import Service
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


def selected(alert: Alert) -> list[tuple[str, str, str]]:
    """Each counter in the expression, with the sign and the names by which codes are selected."""
    return re.findall(r'(bropost_\w+_(?:total|bucket))(?:\{code(=~|!~)"([^"]*)"\})?', alert.expression)


@each_alert
def test_a_first_rise_is_seen_for_everything_that_an_alert_counts(alert: Alert) -> None:
    """Prometheus sees no rise in a series that was not there before, so those that alarm begin at nought."""
    metrics = Metrics()
    metrics.worker_begins(DUTIES)
    fresh = metrics.exposition().decode()
    for name, sign, listed in selected(alert):
        codes = [code.name for code in Code if (code.name in listed.split("|")) is (sign == "=~")]
        if name.startswith("bropost_refused"):
            wanted = {f'{name}{{code="{code}",service="{each.value}"}}' for code in codes for each in Service}
        elif name == "bropost_worker_failed_total":
            wanted = {f'{name}{{duty="{duty}"}}' for duty in DUTIES}
        else:
            wanted = {f'{name}{{le="+Inf",service="{each.value}"}}' for each in Service}
        assert wanted
        assert wanted <= {line.removesuffix(" 0.0") for line in fresh.splitlines() if line.endswith(" 0.0")}


def test_codes_in_an_expression_are_codes_of_the_catalogue() -> None:
    named = {code for alert in Alert for _, _, codes in selected(alert) for code in codes.split("|") if code}
    assert {"INTERNAL", "BUSY", "ATTACHMENT_INFECTED"} <= named
    assert named <= {code.name for code in Code}


@pytest.mark.parametrize("alert", [Alert.GATEWAY_DEFECT, Alert.STORE_BUSY], ids=lambda alert: alert.title)
def test_what_fails_before_the_signature_has_held_alarms_too(alert: Alert) -> None:
    counters = [name for name, *_ in selected(alert)]
    assert counters == ["bropost_refused_total", "bropost_refused_unverified_total"]


def test_a_defect_of_ours_is_not_told_as_the_work_of_strangers() -> None:
    ((name, sign, codes),) = selected(Alert.STRANGERS_REFUSED)
    ours = {code.name for code in Code if code.row.family in (Family.INTERNAL, Family.UNAVAILABLE)}
    assert (name, sign, set(codes.split("|"))) == ("bropost_refused_unverified_total", "!~", ours)


@pytest.mark.parametrize(
    ("alert", "labels"),
    [
        (Alert.GATEWAY_AWAY, ["instance"]),
        (Alert.STORE_AWAY, ["instance"]),
        (Alert.CERTIFICATE_ENDS_WITHIN_7_DAYS, ["certificate", "instance"]),
        (Alert.DISK_NEARLY_FULL, ["folder", "instance"]),
        (Alert.WORKER_FAILS, ["duty", "instance"]),
        (Alert.GATEWAY_DEFECT, ["code", "instance"]),
        (Alert.ATTACHMENTS_UNJUDGED, ["code", "instance"]),
        (Alert.STRANGERS_REFUSED, ["code"]),
    ],
    ids=lambda each: each.title if isinstance(each, Alert) else "",
)
def test_who_is_paged_is_told_of_which(alert: Alert, labels: list[str]) -> None:
    rule = alert_rules().partition(f"- alert: {alert.title}\n")[2].partition("- alert:")[0]
    assert re.findall(r"\$labels\.(\w+)", rule) == labels


@each_alert
def test_a_label_that_is_told_is_left_by_the_expression(alert: Alert) -> None:
    kept = re.findall(r"by \(([^)]*)\)", alert.expression)
    for labels in kept:
        assert set(labels.split(", ")) - {"le"} == set(alert.labels)


def test_every_gauge_has_its_unit_or_a_truth_in_its_name() -> None:
    ends = (
        "_seconds",
        "_days",
        "_bytes",
        "_parked",
        "_put_off",
        "_missing",
        "_failures",
        "_up",
        "_writable",
        "_usable",
        "_synchronised",
    )
    assert [each.value.name for each in Gauge if not each.value.name.endswith(ends)] == []
    assert [each.value.name for each in Gauge if not each.value.help.endswith(".")] == []
