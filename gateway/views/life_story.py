"""The life of a document told to an operator on the phone, in plain Danish: what comes next, what is wrong, what was.

The words of states come from the service schema, those of roles and answers from the document schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from gateway.domain.deadlines import DeadlineKind
from gateway.domain.party import Role
from gateway.domain.status import AnswerCode, Flag, Standing, State
from gateway.views.danish import time_in_words, visible
from gateway.views.life import Happening, Life, Wait
from gateway.xmlcore.declarations import declarations, labels
from gateway.xmlcore.namespaces import SERVICE, tag
from gateway.xmlcore.resources import SERVICE_SCHEMA

LATE_AFTER: Final = timedelta(minutes=5)  # a delivery here takes well under a second
WAITS: Final = {
    "RELAY": "kvittering fra modtagerens gateway",
    "DELIVERY": "levering til modtagerens indbakke",
    "HANDOVER": "aflevering til modtagerens fagsystem",
    "READ": "læsning",
    "ANSWER": "svar",
    "DELETION": "besked om, at kopien er slettet",
    "FOLLOW_UP": "opfølgning på aftalen",
}
"""What each wait waits for, by the name of its kind."""

_DUE_SOON: Final = "_DUE_SOON"
_OTHER_KINDS: Final = {
    "CORRECTED": "Rettet af et nyere dokument.",
    "FOLLOW_UP_DUE": "Dagen for opfølgning på aftalen er kommet.",
    "DELETION_ANSWERED": "Modtageren har svaret på, om kopien er slettet.",
    "LAPSED": "Et dokument, der besvarede eller rettede dette, er selv kaldt tilbage eller rettet, og tæller ikke.",
    "REVIVED": "Et dokument, der besvarede eller rettede dette, tæller igen.",
}
_STANDINGS: Final = {
    Standing.RECORDED: "registreret",
    Standing.EVIDENCE: "kvittering",
    Standing.ASSERTED: "oplyst af fagsystem, kvittering udstedt",
    Standing.INFERRED: "udledt, uden kvittering",
}
_FLAGS: Final = {Flag.LATE: "KOM FOR SENT", Flag.CONFLICT: "MODSIGER EN ANDEN HÆNDELSE"}


def story(life: Life) -> Iterator[str]:
    """Tell it line by line: what it is, what comes next, what is wrong, which waits are open, what happened."""
    yield f"{life.kind.row.danish}  {life.document_id}"
    yield f"Fra {life.sender}"
    yield f"Til {life.recipient}, att. {', '.join(map(_role, life.roles)) or 'ingen nævnt'}"
    yield f"Samtale {life.conversation_id}"
    if life.status.state is not None:
        yield f"Tilstand: {event_in_words(life.status.state.value)}"
    yield from ("", "Næste skridt", f"  {next_act(life)}")
    troubles = list(wrong(life))
    yield from ("", "Galt", *(f"  - {each}" for each in troubles or ["Intet."]))
    waits = [f"  {_wait(wait, life.now)}" for wait in sorted(life.waits, key=lambda wait: wait.due_at)]
    yield from ("", "Frister (dansk arbejdstid)", *(waits or ["  Ingen løber."]))
    yield from ("", "Forløb (dansk tid)", *(f"  {_line(each)}" for each in life.happenings))


def event_in_words(kind: str) -> str:
    """What an event says, in Danish; a kind that is not known here stands as it is."""
    states = {
        value.text: value.texts.danish
        for value in declarations(SERVICE_SCHEMA).values(tag(SERVICE, "StateName"))
    }
    if kind in states:
        return states[kind]
    if kind.endswith(_DUE_SOON) and kind.removesuffix(_DUE_SOON) in WAITS:
        return f"Varsel: fristen for {WAITS[kind.removesuffix(_DUE_SOON)]} udløber snart."
    return _OTHER_KINDS.get(kind, kind)


def next_act(life: Life) -> str:
    """What must happen next, who must do it, and until when."""
    status = life.status
    if status.is_withdrawn:
        return _after_withdrawal(life)
    if life.corrected_by is not None:
        return f"Dokumentet er afløst. Følg i stedet det nyere: {life.corrected_by}."
    if not status.reached(State.AVAILABLE):
        return _before_delivery(life)
    if not status.reached(State.HANDED_OVER):
        until = _until(life, DeadlineKind.HANDOVER)
        return f"{life.recipient}: fagsystemet skal hente dokumentet og bekræfte, at det er gemt{until}."
    if not status.reached(State.READ):
        who = " eller ".join(map(_role, life.roles)) or "en medarbejder"
        until = _until(life, DeadlineKind.READ)
        return f"{life.recipient}: {who} skal åbne dokumentet, og fagsystemet skal melde det læst{until}."
    return _after_reading(life)


def wrong(life: Life) -> Iterator[str]:
    """Everything that is not as it should be, each with what to do about it."""
    for code in life.own_troubles:
        yield f"Gatewayen kan ikke arbejde ({code}). Se `bropost check`: driften skal handle."
    yield from _wrong_with_delivery(life)
    for negative in life.status.negatives:
        yield (
            f"{event_in_words(negative.value)} Afsenderen ({life.sender}) har fået det at vide, og har ansvaret "
            "for at tale med modtageren."
        )
    if life.status.is_withdrawn:
        reason = f" ({life.withdrawn_for.words.danish.rstrip('.')})" if life.withdrawn_for else ""
        left = "Indholdet er fjernet." if life.content_removed else "Modtageren har en kopi."
        yield f"Afsenderen har kaldt dokumentet tilbage{reason}. {left}"
    if life.corrected_by is not None:
        yield f"Dokumentet er rettet af et nyere: {life.corrected_by}."
    if not life.status.is_withdrawn and not life.status.reached(State.HANDED_OVER):
        yield from _wrong_with_receivers(life)
    for wait in life.waits:
        if wait.is_open and wait.due_at + LATE_AFTER < life.now:
            what = WAITS.get(wait.kind.name, wait.kind.name)
            yield f"Fristen for {what} er passeret, og ingen har fået det at vide. Se `bropost check`."
    for flag in sorted(life.status.flags, key=lambda flag: flag.name):
        yield f"En hændelse er mærket {_FLAGS[flag]}: se forløbet."


def _wrong_with_delivery(life: Life) -> Iterator[str]:
    task = life.task
    if task is None:
        return
    code = f" ({task.code})" if task.code else ""
    if task.parked_at is not None:
        yield (
            f"Leveringen mislykkedes og blev sat til side {_clock(task.parked_at)}{code}. Ret årsagen, og kør "
            f"`bropost outbox retry {life.document_id}`, eller opgiv den med `bropost outbox abandon`."
        )
    elif task.attempts and task.code:
        yield f"Leveringen er forsøgt {task.attempts} gange uden held{code}. Næste forsøg {_clock(task.due_at)}."
    elif task.due_at + LATE_AFTER < life.now:
        yield f"Leveringen har ventet siden {_clock(task.due_at)}. Se `bropost check`: kører gatewayen?"


def _wrong_with_receivers(life: Life) -> Iterator[str]:
    """Whether any system could take the document, as far as is known here."""
    for receiver in life.receivers:
        if receiver.obstacle is not None:
            yield f"Modtagerens fagsystem {visible(receiver.name)} {receiver.obstacle.value}."
    if all(receiver.obstacle is not None for receiver in life.receivers):
        yield (
            f"Intet fagsystem kan tage imod for {life.recipient}. Registrér fagsystem, certifikat eller fuldmagt "
            "(`bropost system`, `bropost mandate`)."
        )


def _after_withdrawal(life: Life) -> str:
    if life.open_wait(DeadlineKind.DELETION) is None:
        return "Intet: dokumentet er kaldt tilbage."
    until = _until(life, DeadlineKind.DELETION)
    return f"{life.recipient} skal slette sin kopi og svare, at det er sket, eller hvorfor ikke{until}."


def _before_delivery(life: Life) -> str:
    if State.FAILED in life.status.negatives:
        return f"{life.sender} skal give modtageren besked på anden vis: leveringen er opgivet."
    if life.task is None:
        return "Intet: der er ingen levering i gang. Se `bropost check`."
    if life.task.parked_at is not None:
        return "Driften skal rette det, der stoppede leveringen, og sætte den i gang igen (se under Galt)."
    if not life.task.attempts:
        return "Gatewayen leverer selv om lidt."
    return f"Gatewayen leverer selv; næste forsøg {_clock(max(life.task.due_at, life.now))}."


def _after_reading(life: Life) -> str:
    if life.open_wait(DeadlineKind.ANSWER) is not None:
        is_asked = life.status.answer is AnswerCode.NEED_MORE
        first = f"{life.sender} skal svare på modtagerens spørgsmål; derefter: " if is_asked else ""
        return f"{first}{life.recipient} skal svare{_until(life, DeadlineKind.ANSWER)}."
    if State.UNANSWERED in life.status.negatives:
        return f"{life.sender} skal tage kontakt til {life.recipient}: svaret er udeblevet."
    if life.open_wait(DeadlineKind.FOLLOW_UP) is not None:
        return f"Begge parter skal følge op på aftalen{_until(life, DeadlineKind.FOLLOW_UP)}."
    return "Intet: alt er gjort."


def _until(life: Life, *kinds: DeadlineKind) -> str:
    wait = life.open_wait(*kinds)
    return "" if wait is None else f", senest {_clock(wait.due_at)}"


def _wait(wait: Wait, now: datetime) -> str:
    what = WAITS.get(wait.kind.name, wait.kind.name)
    if wait.fired_at is not None:
        return f"{what}: udløb {_clock(wait.due_at)}, og det er meddelt"
    warned = f", varslet {_clock(wait.warned_at)}" if wait.warned_at is not None else ""
    return f"{what}: senest {_clock(wait.due_at)}{warned}{' - PASSERET' if wait.due_at < now else ''}"


def _line(each: Happening) -> str:
    """One happening: when, what, by whom, resting on what."""
    parts = [_clock(each.at) if each.at else "-", event_in_words(each.kind)]
    if each.answer is not None:
        parts.append(f"Svar: {_label('AnswerKind', each.answer.value)}.")
    parts += [reason.words.danish for reason in each.reasons]
    if each.related is not None:
        parts.append(f"Andet dokument: {each.related}.")
    parts += [_FLAGS[flag] + "." for flag in sorted(each.flags, key=lambda flag: flag.name)]
    said = [_STANDINGS[each.standing], visible(each.issuer)]
    said.append(f"fagsystem {visible(each.system)}" if each.system else "")
    said.append(_role(each.role) if each.role else "")
    return f"{'  '.join(parts)}  [{'; '.join(filter(None, said))}]"


def _clock(at: datetime) -> str:
    return time_in_words(at.replace(microsecond=0))


def _role(role: Role) -> str:
    return _label("Role", role.value)


def _label(type_name: str, value: str) -> str:
    found = labels(type_name).get(value, ("", ""))[0]
    return found or value
