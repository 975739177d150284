"""Prometheus' own tool reads the alerts, and they sound when they should: by its reckoning, not by ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

RULES: Final = Path(__file__).parents[2] / "docs" / "alerts.yml"
HERE: Final = 'instance="here:8443",job="bropost"'
THERE: Final = 'instance="there:8443",job="bropost"'
UP: Final = {f"bropost_store_up{{{HERE}}}": "1x40", f"up{{{HERE}}}": "1x40"}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it."""
    program = shutil.which("promtool") or shutil.which("promtool", path="/usr/local/bin")
    assert program is not None, "promtool is not installed: tests/interop/install"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def sounding(folder: Path, series: Mapping[str, str], alert: str, summaries: tuple[str, ...]) -> str:
    """What promtool has against this: with these series, one sample a minute, these sound after half an hour."""
    rule = RULES.read_text().partition(f"- alert: {alert}\n")[2].partition("- alert:")[0]
    severity = rule.partition("severity: ")[2].partition("\n")[0]
    test = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {
                        "eval_time": "30m",
                        "alertname": alert,
                        "exp_alerts": [
                            {
                                "exp_labels": _labels(summary) | {"severity": severity},
                                "exp_annotations": {
                                    "summary": summary,
                                    "runbook": f"docs/operations.md#{alert.lower()}",
                                },
                            }
                            for summary in summaries
                        ],
                    }
                ],
            }
        ],
    }
    file = folder / "test.yml"
    file.write_text(json.dumps(test))  # JSON is YAML
    done = promtool("test", "rules", file)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _labels(summary: str) -> dict[str, str]:
    """The labels that a summary tells, and the job where it is not summed away."""
    told = dict(part.split(": ") for part in summary.split(". ")[1:])
    labels = {name.lower(): value.removesuffix(".") for name, value in told.items()}
    return labels | ({"job": "bropost"} if set(labels) & {"instance"} and "code" not in labels else {})


def counting(name: str, code: str, values: str) -> dict[str, str]:
    """A counter of refusals at one gateway."""
    return {f'{name}_total{{code="{code}",service="municipality",{HERE}}}': values}


def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    checked = promtool("check", "rules", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


DEFECT: Final = "A request was refused for a defect of the gateway or of its store."
INFECTED: Final = "The antivirus found something in an attachment, and its document was refused."
UNJUDGED: Final = (
    "More than three documents in a quarter of an hour were refused, for the antivirus gave no verdict."
)
STRANGE: Final = "More than a hundred messages in a quarter of an hour had no signature that holds."
AWAY: Final = "A gateway shows no metrics: it does not run, or cannot be reached."
ENDS: Final = "A certificate of our own ends within 7 days."
BUSY: Final = (
    "More than ten requests in a quarter of an hour were told to try again, for the store was busy or away."
)
NEVER: Final = "0x40"
ONCE: Final = "0x24 1x16"


@pytest.mark.parametrize(
    ("series", "alert", "summaries"),
    [
        (counting("bropost_refused", "ATTACHMENT_INFECTED", NEVER), "AttachmentInfected", ()),
        (
            counting("bropost_refused", "ATTACHMENT_INFECTED", ONCE),
            "AttachmentInfected",
            (f"{INFECTED} Service: municipality.",),
        ),
        (counting("bropost_refused", "ANTIVIRUS_UNAVAILABLE", ONCE), "AttachmentsUnjudged", ()),
        (
            counting("bropost_refused", "ANTIVIRUS_UNAVAILABLE", "0x24 6x16"),
            "AttachmentsUnjudged",
            (f"{UNJUDGED} Code: ANTIVIRUS_UNAVAILABLE. Instance: here:8443.",),
        ),
        (
            counting("bropost_refused", "INTERNAL", NEVER)
            | counting("bropost_refused_unverified", "INTERNAL", ONCE),
            "GatewayDefect",
            (f"{DEFECT} Code: INTERNAL. Instance: here:8443.",),
        ),
        (
            counting("bropost_refused", "BUSY", "0x24 6x16")
            | counting("bropost_refused_unverified", "STORE_UNAVAILABLE", "0x24 6x16"),
            "StoreBusy",
            (BUSY,),
        ),
        (counting("bropost_refused_unverified", "INTERNAL", "0x24 500x16"), "StrangersRefused", ()),
        (
            counting("bropost_refused_unverified", "SIGNATURE_DIGEST", "0x24 500x16"),
            "StrangersRefused",
            (f"{STRANGE} Code: SIGNATURE_DIGEST.",),
        ),
        (UP, "GatewayAway", ()),
        ({}, "GatewayAway", (AWAY,)),
        (UP | {f"up{{{THERE}}}": "1x20 0x20"}, "GatewayAway", (f"{AWAY} Instance: there:8443.",)),
        (
            {
                f'bropost_certificate_remaining_days{{certificate="{of}",{HERE}}}': "6x40"
                for of in ("seal", "tls")
            }
            | {f'bropost_certificate_remaining_days{{certificate="message",{HERE}}}': "60x40"},
            "CertificateEndsWithin7Days",
            tuple(f"{ENDS} Certificate: {of}. Instance: here:8443." for of in ("seal", "tls")),
        ),
    ],
    ids=[
        "no infected attachment",
        "the first infected attachment",
        "a verdict that is missing once",
        "verdicts that are missing again and again",
        "a defect before the signature",
        "a busy store at any step",
        "defects are no strangers",
        "strangers",
        "all is well",
        "no gateway",
        "one gateway of two",
        "two certificates of three",
    ],
)
def test_an_alert_sounds_and_says_of_what(
    tmp_path: Path, series: Mapping[str, str], alert: str, summaries: tuple[str, ...]
) -> None:
    assert sounding(tmp_path, series, alert, summaries) == ""
