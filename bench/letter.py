"""SendLetter in process, against the primitives and against the usual stacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.installation import Bench, Keys, Message, letter_octets, open_bench
from bench.measure import Sample, Subject, effort, interleaved, ratio
from bench.primitives import Call, Primitives
from bench.profiles import profiled
from bench.report import Part, Result, table
from bench.stacks import SignxmlStack, ZeepStack
from gateway.domain.identifiers import Uuid4

GOALS = {Keys.RSA_2048: 1.5, Keys.P_256: 2.0}


def letter_subject(bench: Bench) -> Subject[Message]:
    """SendLetter by the product, in process: signed octets in, signed octets out."""
    return Subject(bench.letters, bench.call)


def primitives_subject(primitives: Primitives) -> Subject[Call]:
    """SendLetter by raw libraries."""
    return Subject(primitives.prepare, primitives.submit)


def against_primitives(folder: Path) -> Part:
    """SendLetter in process for each kind of key."""
    results, rows, profile = [], [], ""
    for keys in Keys:
        bench = open_bench(folder / keys.value, keys)
        primitives = Primitives(bench, folder / keys.value)
        subjects: dict[str, Subject[Any]] = {
            "letter": letter_subject(bench),
            "primitives": primitives_subject(primitives),
        }
        samples = interleaved(subjects, rounds=effort(20, 2), calls=effort(40, 3))
        found = ratio(samples, "letter", "primitives")
        rows.append([keys.label, *(_cell(samples[name]) for name in subjects), f"{found:.2f}"])
        if keys in GOALS:
            results.append(Result(f"SendLetter in process, {keys.label}", found, GOALS[keys]))
            if found > GOALS[keys] and not profile:
                profile = profiled(f"SendLetter, {keys.label}", bench.call, bench.letters(effort(400, 20)))
        bench.installation.database.close()
    octets = len(letter_octets(Uuid4.new()))
    message = len(bench.letters(1)[0].body)
    intro = (
        f"A letter of {octets:,} octets in a signed message of {message:,}; CPU time per call, median of the rounds "
        f"± half the range between the quartiles. The primitives write {primitives.written.count} rows, as the "
        "product does."
    )
    heading = ["keys", "SendLetter, ms", "primitives, ms", "ratio"]
    return Part("SendLetter", results, "\n\n".join(filter(None, (intro, table(heading, rows), profile))))


def against_stacks(folder: Path) -> Part:
    """SendLetter by the product and by the usual stacks."""
    results, rows = [], []
    for keys in (Keys.RSA_2048, Keys.P_256):
        place = folder / keys.value
        bench = open_bench(place, keys)
        primitives = Primitives(bench, place)
        signxml, zeep = (
            SignxmlStack(bench, primitives, keys, place),
            ZeepStack(bench, primitives, keys, place),
        )
        subjects: dict[str, Subject[Any]] = {
            "product": letter_subject(bench),
            "signxml": Subject(signxml.prepare, signxml.submit),
            "zeep": Subject(zeep.prepare, zeep.submit),
        }
        samples = interleaved(subjects, rounds=effort(15, 2), calls=effort(25, 2))
        for name, what, goal in (
            ("signxml", "signxml + xmlschema + SQLAlchemy", 3),
            ("zeep", "zeep.wsse + lxml + SQLAlchemy", 2),
        ):
            factor = ratio(samples, name, "product")
            results.append(Result(f"faster than {what}, {keys.label}", factor, goal, at_least=True))
        rows.append([keys.label, *(_cell(samples[name]) for name in subjects)])
        bench.installation.database.close()
    heading = [
        "keys",
        "product, ms",
        "signxml + xmlschema + SQLAlchemy, ms",
        "zeep.wsse + lxml + SQLAlchemy, ms",
    ]
    note = (
        "The stacks verify, validate, read, seal, encrypt, evidence, log, store and sign by the same counts. They do "
        "not judge the letter: rules, legal bases and lint are the product's alone, and part of its figure here."
    )
    return Part("The usual stacks", results, f"{note}\n\n{table(heading, rows)}")


def _cell(sample: Sample) -> str:
    return f"{sample.milliseconds:.2f} ± {sample.spread:.0%}"
