"""The disclosure log: exported, verified offline by the auditor's command, and found out when a byte is altered."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Final

from demo import log_checks
from demo.chapters.evidence import Proof
from demo.commands import Ran, at_once, run
from demo.parties import MUNICIPALITY, SCHOOL, Party
from demo.stage import Stage
from demo.transcript import Broken, Step

PARTIES: Final = (MUNICIPALITY, SCHOOL)
_SHARING: Final = ("DISCLOSE", "RECEIVE", "EVIDENCE", "ACCESS", "EXPORT")
_PASSED: Final = ["ARCHIVE", "LOG_KEY", "SIGNATURES", "ENTRIES", "TILES", "ROOTS", "KNOWN_CHECKPOINT"]


def tell(stage: Stage, proofs: list[Proof]) -> None:
    """Both logs are exported and verified; then one byte of a copy is altered."""
    stage.teller.chapter(
        "log",
        "The disclosure log: what was shared, and nobody can change it unseen",
        "an auditor verifies both logs offline; one altered byte is found and its entry named",
    )
    _export(stage)
    for party in PARTIES:
        _compare(stage, party, proofs)
    _verify(stage)
    _alter(stage)


def _bundle(stage: Stage, party: Party) -> Path:
    return stage.installation.folder / f"log-{party.id}.zip"


def _checkpoint_file(stage: Stage, party: Party) -> Path:
    """Where the auditor keeps a checkpoint from before: it came with a log proof, not with the bundle."""
    return _bundle(stage, party).with_suffix(".checkpoint")


def _export(stage: Stage) -> None:
    with stage.teller.step("logs exported", "The operator exports both logs: `bropost log export`"):
        settings = stage.installation.settings
        at_once(
            [("log", "export", each.id, _bundle(stage, each), "--settings", settings) for each in PARTIES]
        )


def _compare(stage: Stage, party: Party, proofs: list[Proof]) -> None:
    """The proofs that came with the evidence lead to the log's entries, by our own arithmetic."""
    sentence = f"The evidence stands in the log of {party.name}, by our own arithmetic"
    with stage.teller.step(f"log {party.id} compared", sentence) as step:
        entries = log_checks.entries_of(_bundle(stage, party))
        kinds = Counter(entry.kind for entry in entries)
        step.found(kinds={kind: kinds[kind] for kind in _SHARING})
        by_id = {entry.id: entry for entry in entries}
        mine = [proof for proof in proofs if proof.party_id == party.id]
        for proof in mine:
            if proof.entry_id not in by_id:
                raise Broken(f"the log lacks the entry that {proof.event} names")
            key = stage.installation.log_keys[party.id]
            log_checks.require_included(proof.text, by_id[proof.entry_id], key)
        step.found(evidence_in_log=sorted(proof.event for proof in mine))
        _checkpoint_file(stage, party).write_text(log_checks.checkpoint_of(mine[0].text), "utf-8")
        step.say(
            f"{len(entries)} entries: {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}"
        )


def _verify(stage: Stage) -> None:
    """With the anchors that the auditor brings the verdict is OK, without them it is not."""
    commands = []
    for party in PARTIES:
        command = ("log", "verify", _bundle(stage, party), "--json")
        commands += [(*command, *_anchors(stage, party)), command]
    with stage.teller.step(
        "logs verified", "An auditor verifies both logs offline: `bropost log verify`"
    ) as step:
        ran = at_once(commands, statuses={0, 1, 2})
        for party, anchored, alone in zip(PARTIES, ran[::2], ran[1::2], strict=True):
            _check_verdict(step, f"{party.id}_with_anchors", anchored, 0, "OK")
            _check_verdict(step, f"{party.id}_without_anchors", alone, 2, "UNANCHORED")
            report = json.loads(anchored.output)
            passed = [each["step"] for each in report["steps"] if each["outcome"] == "PASS"]
            step.check("steps_passed", passed, _PASSED)
            step.noted(**{f"root_{party.id}": report["root"]})
        step.say(
            "with the pinned key and a checkpoint kept from before: OK (exit 0)",
            "without them: UNANCHORED (exit 2), for whoever made the bundle may have made all of it up",
        )


def _alter(stage: Stage) -> None:
    """Somebody makes the municipality's log say that the letter went to another institution."""
    bundle = _bundle(stage, MUNICIPALITY)
    entry = next(entry for entry in log_checks.entries_of(bundle) if entry.kind == "DISCLOSE")
    altered = bundle.with_name("altered.zip")
    log_checks.alter_one_byte(bundle, altered, entry, b'"22222222-999001"', b'"22222222-999002"')
    sentence = "Somebody alters one byte of a copy: the letter went to institution 999002"
    with stage.teller.step("altered log caught", sentence) as step:
        ran = run("log", "verify", altered, *_anchors(stage, MUNICIPALITY), statuses={0, 1, 2})
        step.check("exit_status", ran.status, 1)
        step.check("invalid", "\nINVALID: " in ran.output, True)
        named = f"First bad entry: {entry.index} (entry {entry.id})" in ran.output
        step.check("names_the_entry", named, True)
        step.noted(entry_id=entry.id, index=entry.index)
    stage.teller.show("bropost log verify altered.zip", ran.output.strip())


def _anchors(stage: Stage, party: Party) -> tuple[str | Path, ...]:
    """What the auditor brings from outside the bundle."""
    return (
        "--log-key",
        stage.installation.log_keys[party.id],
        "--checkpoint",
        _checkpoint_file(stage, party),
    )


def _check_verdict(step: Step, what: str, ran: Ran, status: int, verdict: str) -> None:
    """Exit status and report say the same, and what they should."""
    try:
        found = str(json.loads(ran.output)["verdict"])
    except ValueError:
        found = ran.output.strip()
    step.check(what, f"{found} (exit {ran.status})", f"{verdict} (exit {status})")
