"""The page of what is measured, and the alerts as rules for Prometheus: both from the tables of the domain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from gateway.domain.alerts import Alert
from gateway.domain.gauges import Gauge

RUNBOOK: Final = "operations.md"


def metrics_page() -> str:
    """The page of gauges and alerts."""
    lines = [
        "# What is measured, and when somebody is told",
        "",
        "<!-- Made by `make docs`. Change `gateway/domain/gauges.py` or `gateway/domain/alerts.py`, not this page. -->",
        "",
        "Gauges are measured when `/metrics` is read. What is counted beside them stands in "
        "[operations](operations.md#metrics).",
        "",
        "| Gauge | Told apart by | What it is |",
        "| --- | --- | --- |",
        *(f"| `{each.value.name}` | {each.value.label or '-'} | {each.value.help} |" for each in Gauge),
        "",
        "## Alerts",
        "",
        "The same limits hold for [alerts.yml](alerts.yml), which Prometheus reads as it is, and for `bropost check`, "
        "where a note does not fail the check. Critical: look now; warning: today; note: this month.",
        "",
        "| Alert | Severity | What it says | When |",
        "| --- | --- | --- | --- |",
        *(
            f"| [{each.title}]({RUNBOOK}#{each.title.lower()}) | {each.value.severity.value} | {each.value.english} | "
            f"`{each.expression.replace('|', chr(92) + '|')}`{_during(each.value.lasting)} |"
            for each in Alert
        ),
    ]
    return "\n".join(lines) + "\n"


def alert_rules() -> str:
    """The alerts as a rules file of Prometheus."""
    return "\n".join(_rules()) + "\n"


def _rules() -> Iterator[str]:
    yield "# Made by `make docs`. Change gateway/domain/alerts.py, not this file."
    yield from ("groups:", "  - name: bropost", "    rules:")
    for alert in Alert:
        yield f"      - alert: {alert.title}"
        yield f"        expr: {json.dumps(alert.expression)}"
        if alert.value.lasting:
            yield f"        for: {_minutes(alert.value.lasting)}m"
        yield from ("        labels:", f"          severity: {alert.value.severity.value}")
        yield from ("        annotations:", f"          summary: {json.dumps(_summary(alert))}")
        yield f'          runbook: "docs/{RUNBOOK}#{alert.title.lower()}"'


def _summary(alert: Alert) -> str:
    """What the alert says, and of what, as Prometheus fills it in; a label that is not there is passed over."""
    of = (
        f"{{{{ with $labels.{name} }}}} {name.capitalize()}: {{{{ . }}}}.{{{{ end }}}}"
        for name in alert.labels
    )
    return alert.value.english + "".join(of)


def _during(lasting: timedelta) -> str:
    return f" for {_minutes(lasting)} minutes" if lasting else ""


def _minutes(span: timedelta) -> int:
    return span // timedelta(minutes=1)
