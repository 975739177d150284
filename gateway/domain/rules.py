"""The business rules beyond the schema, and the lint: each with its severities and its words.

A finding says which rule fires where; it never quotes the value found there. `{names}` in a text are filled with
words the product itself knows: a kind, a category, a field, a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, unique

from gateway.domain.errors import Violation


@unique
class Severity(Enum):
    """What a finding does to the document."""

    ERROR = "E"  # refused
    OVERRIDABLE = "O"  # stopped; the sender may send anyway with a reason that enters the log
    WARNING = "W"  # accepted; the sender is told


@unique
class Place(Enum):
    """Where a rule is kept."""

    DOCUMENT = "every document"
    CARRIER = "labels and notifications of what carries documents"
    REPOSITORY = "tests, demonstrations and documentation"


@dataclass(frozen=True)
class Row:
    """One rule: how it may strike, and what it says."""

    severities: frozenset[Severity]
    danish: str
    english: str
    place: Place = Place.DOCUMENT


def _row(severities: str, danish: str, english: str, place: Place = Place.DOCUMENT) -> Row:
    return Row(frozenset(Severity(letter) for letter in severities.split("/")), danish, english, place)


@unique
class Rule(Enum):
    """The stable name of a rule. A retired one stays, so that no other rule ever takes its name."""

    # --- header --------------------------------------------------------------------------------------
    H01 = _row(
        "E", "Oprettelsestidspunktet ligger uden for det tilladte.", "The creation time is out of range."
    )
    H02 = _row("E", "{kind} kan ikke sendes i denne retning.", "{kind} cannot be sent in this direction.")
    H03 = _row(
        "E",
        "Afsenderens CVR-nummer svarer ikke til certifikatet.",
        "The sender's CVR number does not match the certificate.",
    )
    H04 = _row("E", "Koden findes ikke i den gældende liste.", "The code is not in the list in force.")
    H05 = _row("E", "CPR-nummeret har ikke en gyldig dato.", "The CPR number holds no valid date.")
    H06 = _row(
        "E/W",
        "Nummeret er et erstatningsnummer og kan ikke slås op i CPR.",
        "This is a replacement number; it cannot be looked up.",
    )
    H07 = _row(
        "W",
        "CPR-nummeret opfylder ikke modulus 11. Det kan være rigtigt; kontrollér det.",
        "Modulus 11 fails; the number may still be right.",
    )
    H08 = _row(
        "E", "Den unges alder er uden for hjemlens område.", "The person's age is outside the basis claimed."
    )
    H09 = _row(
        "E", "Hjemlen {code} gælder ikke på denne dato.", "Provision {code} is not in force on this date."
    )
    H10 = _row(
        "E",
        "Feltet {path} må ikke videregives på de angivne hjemler.",
        "Field {path} may not be shared on the bases claimed.",
    )
    H11 = _row("E", "Samtykket dækker ikke {category}.", "The consent does not cover {category}.")
    H12 = _row(
        "E",
        "Begrund, hvorfor oplysningen er væsentlig for skolen.",
        "Say why this is essential for the school.",
    )
    H13 = _row(
        "E/W",
        "Den unge skal kende og have indflydelse på det, der sendes. Skriv ellers hvorfor.",
        "The person should know and influence what is sent; else say why.",
    )
    H14 = _row(
        "E", "Den unge har bedt om, at {category} udelades.", "The person asked to leave out {category}."
    )
    H15 = _row("E", "Henvisningen passer ikke til samtalen.", "The reference does not fit the conversation.")
    H16 = _row(
        "E",
        "Angiv den unge. (Ved skift af en fælles kontakt: angiv ikke en ung.)",
        "Subject is due / must be absent.",
    )
    H17 = _row(
        "E",
        "Oplys, om forældremyndighedens indehaver er underrettet, og hvis ikke, hvorfor.",
        "State whether the custody holder was informed and, if not, why.",
    )
    H18 = _row(
        "E",
        "Den unge har beskyttelse: oplysninger om opholdssted må ikke sendes.",
        "Protected person: whereabouts must not be sent.",
    )
    H19 = _row("E", "Bilag {n} svarer ikke til brevet.", "Attachment {n} does not match the document.")
    H20 = _row(
        "W",
        "Fødselsdatoen svarer ikke til CPR-nummeret. Kontrollér begge.",
        "The day of birth is not that of the CPR number. Check both.",
    )

    # --- the statutory minimum ------------------------------------------------------------------------
    S01 = _row(
        "W",
        "Det lovpligtige minimum er ikke opfyldt: {field} mangler. Udfyld feltet, hvis det gælder her.",
        "The statutory minimum is not met: {field} is missing. Fill it in if it applies here.",
    )

    # --- every block ---------------------------------------------------------------------------------
    D01 = _row("E", "Slutdatoen ligger før startdatoen.", "The end lies before the start.")
    D02 = _row(
        "E", "Fraværsperioden er længere end 92 dage.", "The period of absence is longer than 92 days."
    )
    D03 = _row(
        "E",
        "{field} skal ligge mellem den dag, dokumentet er skrevet, og 366 dage frem.",
        "{field} must lie between the day on which the document was written and 366 days after it.",
    )
    D04 = _row(
        "E",
        "Giv hvert punkt i aftalen sit eget nummer.",
        "Give each item of the agreement a number of its own.",
    )
    D10 = _row("E", 'Uddyb "andet" med tekst.', 'Explain "other" in words.')

    # --- letters -------------------------------------------------------------------------------------
    L01 = _row(
        "W",
        "Skolen får mere gavn af brevet, hvis du skriver om mentor, it-rygsæk og hjælp.",
        "The letter helps more with mentor, IT backpack, help.",
    )
    L02 = _row("E", "Kontakten mangler telefon eller e-mail.", "The contact lacks phone and e-mail.")
    L03 = _row(
        "W",
        "Brevet når måske ikke vejleder eller lærer. Vælg også en rolle.",
        "It may not reach counsellor or teacher.",
    )
    L04 = _row("E/W", "Angiv mentorperioden.", "State the mentor period.")
    L05 = _row("E", "Målgruppen må kun sendes med samtykke.", "The target group needs consent.")
    L06 = _row(
        "E",
        "Indsatser før første pålæg kræver samtykke.",
        "Measures before the first order need consent.",
    )

    # --- notices -------------------------------------------------------------------------------------
    N01 = _row("W", "Brevet eller meddelelsen sendes sent.", "The document is late.")
    N02 = _row(
        "E",
        "Ved overhængende risiko skal I bede om en handling; tidlig bekymring kræver samtykke eller lokal beslutning.",
        "Imminent risk needs an action; an early warning needs consent or a decision.",
    )
    N03 = _row("W", "Der er ikke varslet risiko før afbruddet.", "No risk was notified before.")
    N04 = _row("E", "Der er ingen risikomeddelelse at fortsætte.", "There is no risk notice to continue.")

    # --- answers -------------------------------------------------------------------------------------
    A01 = _row("E", "Svaret mangler {field}.", "The answer lacks {field}.")
    A02 = _row("E/W", "Svar på hvert ønske.", "Answer each wish.")
    A03 = _row(
        "W",
        "Angiv, om den unge er kontaktet, og hold den lovede frist.",
        "State the contact made and keep the promised time.",
    )

    # --- lint: what must never be in a document ------------------------------------------------------
    X01 = _row(
        "E", "Skriv ikke CPR-numre i tekst eller bilag.", "Write no CPR numbers in texts or attachments."
    )
    X02 = _row("O", "Skriv, hvad der hjælper - ikke diagnosen.", "Write what helps, not the diagnosis.")
    X03 = _row("O", "Denne type oplysning må ikke sendes.", "Information of this kind must not be sent.")
    X04 = _row("E/O", "Adresser hører ikke hjemme her.", "Addresses do not belong here.")
    X05 = _row("E/O", "Økonomiske oplysninger er ikke nødvendige.", "Financial details are not needed.")
    X06 = _row("O", "Nævn ikke andre personer ved navn.", "Do not name other persons.")
    X07 = _row("W", "Brug feltet til den unges kontakt.", "Use the field for the person's own contact.")
    X08 = _row(
        "W",
        "Beskriv, hvad I ser, ikke hvad I mener om den unge.",
        "Describe what you see, not what you think of the person.",
    )
    X09 = _row(
        "E",
        "Teksten indeholder tegn, der ikke er tilladt.",
        "The text holds characters that are not allowed.",
    )
    X10 = _row("W", "Send kun det, skolen har brug for.", "Send only what the school needs.")
    X11 = _row("E", "Overskrifter dannes af systemet.", "Titles are made by the system.", Place.CARRIER)
    X12 = _row("E", "Brug kun fiktive numre.", "Use fictional numbers only.", Place.REPOSITORY)

    @property
    def row(self) -> Row:
        """The severities and the words."""
        return self.value

    @property
    def code(self) -> str:
        """The stable code in faults and answers: "RULE_H05"."""
        return f"RULE_{self.name}"


@dataclass(frozen=True)
class Words:
    """A word the product knows, in both languages, to fill a text with."""

    danish: str
    english: str

    @staticmethod
    def same(text: str) -> Words:
        """A word that is alike in both: a path, a code, a number."""
        return Words(text, text)


@dataclass(frozen=True)
class Finding:
    """A rule that fires at one place of the document, and how it strikes there."""

    rule: Rule
    severity: Severity
    path: str
    line: int
    words: tuple[tuple[str, Words], ...] = ()

    def __post_init__(self) -> None:
        if self.severity not in self.rule.row.severities:
            raise ValueError(f"{self.rule.name} never strikes as {self.severity.value}")

    @property
    def danish(self) -> str:
        """What is wrong and what to do, in Danish."""
        return self.rule.row.danish.format_map({name: words.danish for name, words in self.words})

    @property
    def english(self) -> str:
        """What is wrong and what to do, in English."""
        return self.rule.row.english.format_map({name: words.english for name, words in self.words})

    @property
    def violation(self) -> Violation:
        """The finding as faults and answers carry it."""
        return Violation(self.path, self.line, self.rule.code, self.danish, self.english)


def refusals(findings: Iterable[Finding], overrides: Mapping[str, str]) -> tuple[Finding, ...]:
    """The findings that stop the document.

    `overrides` gives a reason by rule code ("RULE_X02"). Only rules that strike as O yield to one, and only to a
    reason in words; an override for anything else changes nothing.
    """
    return tuple(finding for finding in findings if _stops(finding, overrides))


def warnings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that stop nothing, but of which the sender is told."""
    return tuple(finding for finding in findings if finding.severity is Severity.WARNING)


def overridden(findings: Iterable[Finding], overrides: Mapping[str, str]) -> tuple[Finding, ...]:
    """The findings that stop nothing because of an override; each enters the log with its reason."""
    return tuple(
        finding
        for finding in findings
        if finding.severity is Severity.OVERRIDABLE and not _stops(finding, overrides)
    )


def _stops(finding: Finding, overrides: Mapping[str, str]) -> bool:
    if finding.severity is Severity.OVERRIDABLE:
        return not overrides.get(finding.rule.code, "").strip()
    return finding.severity is Severity.ERROR
