"""The connection: signed Pings, and whom one can reach."""

from __future__ import annotations

from demo.case_system import CaseSystem, party_of
from demo.parties import MUNICIPALITY, SCHOOL
from demo.stage import Stage
from demo.transcript import Broken

_SKEW_SECONDS = 5  # both clocks are those of this machine


def tell(stage: Stage) -> None:
    """Both systems ping the gateway, and the municipality looks the school up."""
    stage.teller.chapter(
        "connection", "The connection", "both systems are known by their certificates; one acts by mandate"
    )
    _ping(stage, stage.municipality, "municipality pings", vendor_cvr="55555555", mandates=[MUNICIPALITY.id])
    _ping(stage, stage.school, "school pings", vendor_cvr=SCHOOL.cvr, mandates=[])
    _find(stage)


def _ping(stage: Stage, system: CaseSystem, name: str, *, vendor_cvr: str, mandates: list[str]) -> None:
    with stage.teller.step(name, f"{system.name} of {system.party.name} sends a signed Ping") as step:
        answer = system.call("Ping", Echo="Er der hul igennem? Æøå")
        step.check("echo", answer.Echo, "Er der hul igennem? Æøå")
        step.check("environment", answer.Answer.Environment, "DEVELOPMENT")
        step.check("certificate_cvr", answer.Certificate.SubjectCvr, vendor_cvr)
        given = ["-".join(party_of(each.Party).values()) for each in answer.Mandate]
        step.check("mandates", given, mandates)
        if abs(answer.ClockSkewSeconds) > _SKEW_SECONDS:
            raise Broken(f"the clocks are said to be {answer.ClockSkewSeconds} seconds apart")
        step.noted(
            clock_skew_seconds=answer.ClockSkewSeconds,
            certificate_until=answer.Certificate.NotAfter.isoformat(),
        )
        step.say(
            str(answer.Answer.Notice),
            f"certificate of {answer.Certificate.Organisation} (CVR {vendor_cvr}), clock skew "
            f"{answer.ClockSkewSeconds} s, mandates: {', '.join(given) or 'none needed, its own CVR number'}",
        )


def _find(stage: Stage) -> None:
    with stage.teller.step(
        "school found", "The municipality looks the school up by its institution number"
    ) as step:
        answer = stage.municipality.call("FindParty", InstitutionNumber=SCHOOL.unit)
        step.check("parties", ["-".join(party_of(each.Party).values()) for each in answer.Party], [SCHOOL.id])
        found = answer.Party[0]
        step.check("name", found.Name, SCHOOL.name)
        step.check("reachable", found.Reachable, True)
        step.check("takes_letters", "EducationOrderLetter" in found.Kind, True)
        step.check("contacts", [contact.Role for contact in found.Contact], ["STUDY_COUNSELLOR"])
        step.say(f"{found.Name} takes {', '.join(found.Kind)}; contact: {found.Contact[0].Role}")
