"""The lint: what each rule finds and what it leaves alone, that every text is read, and that nothing found is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.lint import LINES, PROSE, LintText, holds_cpr, lint_texts
from gateway.domain.lint import lint as lint_document
from gateway.domain.lint_words import Lexicon, Match, WordList, WordLists
from gateway.domain.rules import Rule
from gateway.xmlcore.namespaces import XSD, tag
from tests.domain.documents import LETTER, Change, after, consent, findings, struck, text, words
from tests.domain.test_rule_checks import MANIFEST, PDF
from tests.golden.judging import read, short
from tests.golden.loader import golden, names

DAY = date(2026, 8, 5)
ORDER = "EducationOrderLetter"
SCHEMAS = sorted((Path(__file__).parents[2] / "xsd" / "document").glob("*.xsd"))


def lint(prose: str, *, protected: bool = False, name: str = "Note") -> set[str]:
    """The rules and severities that one text breaks."""
    found = lint_texts([LintText("/Document/X", 1, name, prose)], words().on(DAY), protected=protected)
    return {f"{each.rule.name} {each.severity.value}" for each in found}


FINDS = {
    "X01 E": [
        "Hun har nummer 740305-5092.", "7403055092", "740305 5092", "74 03 05 5092", "74.03.05-5092", "74-03-05 - 5092",
        "brev_7403055092.pdf", "CPR7403055092", "740305ABC1",
    ],
    "X02 O": [
        "Hun har ADHD.", "Har fået diagnosen i maj.", "Det er præstationsangst.", "Går til psykolog.", "Var sygemeldt.",
        "Får ADD-medicin.", "Har en angstdiagnose.", "Har angstanfald.", "Følger et børnepsykiatrisk forløb.",
        "Taler med skolepsykologen.", "Tager hjertemedicin.", "En fejldiagnosticeret autismeforstyrrelse",
        "Efter en vinterdepression", "Har klaustrofobi.", "Går i samtaleterapi.",
    ],
    "X03 O": [
        "Har været i fængsel.", "Politiet ringede.", "Er muslim.", "Er i en fagforening.", "Er homoseksuel.",
    ],
    "X04 O": [
        "Bor Prøvevej 12, 9999 Eksempelby", "Nu: Lange Prøvegade 3 B, 2. tv., 9999 Prøveby", "Torvet 1 9999 Prøveby",
    ],
    "X05 O": [
        "Skylder 5.000 kr.", "Har gæld.", "Får uddannelseshjælp.", "Betaler 300,-", "kr. 250 om måneden", "DKK 40",
    ],
    "X05 E": [
        "Konto 1234 0000123456", "kontonr. 1234 0000123456", "Reg. nr. 1234 0000123456", "9999 0000123456",
        "DK50 0040 0440 1162 43", "Kort 4111 1111 1111 1111", "4111-1111-1111-1111",
        "5500-0000-0000-0004",
    ],
    "X06 O": ["Hendes mor Mette ringer.", "Kæresten Alma", "Søsteren, Sofie, hjælper.", "Skilsmissen fylder."],
    "X07 W": ["Ring på 00 00 00 01.", "Nummer: +4500000001", "Skriv til alma@proevesen.example"],
    "X08 W": ["Hun er doven.", "Virker uden  motivation.", "Umulig at tale med."],
    "X09 E": [
        "En\u200bting", "En\u202eting", "En\x07ting", "<b>vigtigt</b>", "&lt;script&gt;", "javascript:alert(1)",
        "http://skole.example/x", "ftp://skole.example", "mailto:alma@skole.example",
        "Adgangskoden er hest", "Kodeord: hest",
    ],
    "X10 W": ["Karakteren i dansk var 02.", "Hun fik 4 i matematik.", "Scorede 37", "Testresultatet var 12"],
}  # fmt: skip

LEAVES_ALONE = [
    "Alma vil gerne hilse på dig den første dag. Mentortimerne kan forlænges; ring, før de udløber.",
    "Sag 2026-004711, møde 06.10.2026 kl. 10.30, uge 41.",
    "Må bruge kræfter på værkstedet; efterkommer pålægget. Kristensens hold.",
    "Fravær < 10 % er målet, og 2 > 1.",
    "Se https://skole.example/kalender.",
    "Spørg hendes mor. Alma kommer selv.",
    "Har fulgt kurset fra 10.08.2026 til 12.12.2026.",
    "Lokale 12, 3 timer om ugen.",
    "Kald hende ikke Prøvesen.",
    "Linje et.\n\tLinje to.",
    "Ordre 7413055092 og 4403055092.",
    # What only holds the letters of a listed word, as a dictionary of Danish shows it.
    "En nautisk uddannelse; astronautisk og kosmonautisk.",
    "Plastmateriale, toastmaskine og fastmaske.",
    "Husk lommetørklæde og halstørklæde.",
    "Bekræft aftalen; Alma udtrykker, at hun har arbejdskraft og livskræfter.",
    "En rislampe, en haglbøsse og eskatologi.",
]


@pytest.mark.parametrize(
    ("rule", "prose"), [(rule, prose) for rule, proses in FINDS.items() for prose in proses]
)
def test_the_lint_finds(rule: str, prose: str) -> None:
    assert rule in lint(prose)


@pytest.mark.parametrize("prose", LEAVES_ALONE)
def test_the_lint_leaves_ordinary_sentences_alone(prose: str) -> None:
    assert lint(prose) == set()


@pytest.mark.parametrize("name", names("documents"))
def test_the_lint_leaves_every_golden_document_alone(name: str) -> None:
    found = lint_document(read(golden(name)), words())
    assert [short(each) for each in found] == []


def test_a_short_beginning_counts_at_the_start_of_a_word_only() -> None:
    def listed(*listed: str) -> Lexicon:
        return WordLists((WordList(Rule.X02, "test", Match.WORD, listed, date(2026, 1, 1)),)).on(DAY)

    assert listed("får anti-depressiv").rules_found("Hun får anti-depressiv-medicin.") == {Rule.X02}
    assert listed("autis*").rules_found("autistisk") == {Rule.X02}
    assert listed("autis*").rules_found("nautisk") == frozenset()
    assert listed("diagno*").rules_found("En angstdiagnose.") == {Rule.X02}
    assert (
        listed("diagnose").rules_found("En angstdiagnose.") == frozenset()
    )  # a whole word is that word alone


def test_an_address_of_a_protected_person_cannot_be_overridden() -> None:
    assert lint("Bor Prøvevej 12, 9999 Eksempelby", protected=True) == {"X04 E"}
    change = text(f"{ORDER}/MunicipalHelp/How", "Mød hende på Prøvevej 12, 9999 Eksempelby")
    assert struck(findings(LETTER, change)) == {"X04 O"}
    assert struck(findings(LETTER, change, text("Header/Subject/ProtectedNameAndAddress", "true"))) == {
        "X04 E"
    }


def test_a_card_number_is_known_by_its_check_digit() -> None:
    assert "X05 E" in lint("4111 1111 1111 1111")
    assert "X05 E" not in lint("4111 1111 1111 1112")


@pytest.mark.parametrize("name", ["Name", "CaseNumber", "Site"])
def test_names_and_references_are_not_read_as_sentences(name: str) -> None:
    assert lint("Psykiatri og politi, 5.000 kr.", name=name) == set()
    assert lint("7403055092", name=name) == {"X01 E"}
    assert lint("<b>", name=name) == {"X09 E"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (text(f"{ORDER}/MessageTo/Text", "7403055092"), f"{ORDER}/MessageTo/Text"),
        (text("Header/CaseReference/CaseNumber", "740305-5092"), "Header/CaseReference/CaseNumber"),
        (text("Header/PlanReference/Id", "7403055092"), "Header/PlanReference/Id"),
        (text(f"{ORDER}/Contact/Name", "Mette 7403055092"), f"{ORDER}/Contact/Name"),
        (text(f"{ORDER}/Contact/Email", "7403055092@kommune.example"), f"{ORDER}/Contact/Email"),
        (text("Header/Sender/Party/Name", "Kommune 7403055092"), "Header/Sender/Party/Name"),
        (text("Header/OwnWords/Text", "Mit nummer er 740305 5092"), "Header/OwnWords/Text"),
        (
            lambda root: root[1][1][1].set("listVersion", "7403055092"),
            f"{ORDER}/Education/Code/@listVersion",
        ),
    ],
)
def test_a_cpr_number_is_found_wherever_it_hides(change: Change, path: str) -> None:
    found = [each for each in findings(LETTER, change) if each.rule is Rule.X01]
    assert [each.path for each in found] == [f"/Document/{path}"]


def test_file_names_and_titles_of_attachments_are_read() -> None:
    attach = after(ORDER, MANIFEST.format(category="support").replace("plan.pdf", "7403055092.pdf"))
    assert struck(findings(LETTER, attach, attachments=(PDF,))) == {"X01 E"}


def test_the_number_in_its_own_place_is_no_finding() -> None:
    assert struck(findings(LETTER)) == set()


def test_digits_in_another_alphabet_and_width_are_digits() -> None:
    change = text(f"{ORDER}/MessageTo/Text", "７４０３０５‑５０９２")  # full width, non-breaking hyphen
    assert struck(findings(LETTER, change)) == {"X01 E"}


def test_health_words_are_stopped_also_where_health_may_be_told() -> None:
    need = after(
        f"{ORDER}/Measure[last()]", "<HealthRelatedNeed><Text>Har migræne.</Text></HealthRelatedNeed>"
    )
    assert struck(findings(LETTER, need, consent("health", article_9="A"))) == {"X02 O"}


def test_one_long_text_in_several_fields_was_pasted() -> None:
    note = ("Møder stabilt, når dagen er kendt på forhånd, og tager selv ansvar for værktøjet. " * 3)[
        :239
    ] + "."
    once = text(f"{ORDER}/MessageTo/Text", note)
    twice = text(f"{ORDER}/MunicipalHelp/How", note.upper())
    assert struck(findings(LETTER, once)) == set()
    (found,) = [each for each in findings(LETTER, once, twice) if each.rule is Rule.X10]
    assert found.path == "/Document/EducationOrderLetter/MessageTo/Text"
    shorter = (text(f"{ORDER}/MessageTo/Text", note[1:]), text(f"{ORDER}/MunicipalHelp/How", note[1:]))
    assert struck(findings(LETTER, *shorter)) == set()


def test_the_lint_never_tells_what_it_found() -> None:
    change = text(f"{ORDER}/MessageTo/Text", "Hemmeligt: ADHD, 7403055092, politi, http://x.example")
    found = findings(LETTER, change)
    assert {each.rule.name for each in found} >= {"X01", "X02", "X03", "X09"}
    for each in found:
        told = f"{each!r} {each.danish} {each.english} {each.violation!r}"
        assert "Hemmeligt" not in told
        assert "ADHD" not in told


def test_every_text_of_the_schema_is_read() -> None:
    """A new element of a type that people write in must be put among the texts that the lint reads."""
    prose, lines = set(), set()
    for path in SCHEMAS:
        for element in etree.parse(path).getroot().iter(tag(XSD, "element")):
            name, kind = str(element.get("name")), str(element.get("type")).removeprefix("doc:")
            if kind.startswith("Text"):
                prose.add(name)
            elif kind.startswith(("Line", "PersonName", "FileName", "Email")):
                lines.add(name)
    assert len(prose) > 8
    assert prose <= PROSE
    assert lines <= PROSE | LINES


@given(
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(0, 9999),
    st.sampled_from(["", "-", " ", " - "]),
)
def test_every_number_with_the_date_of_a_birth_is_found(born: date, serial: int, gap: str) -> None:
    fictional = f"{born.day + 60:02}{born:%m%y}{gap}{serial:04}"
    assert holds_cpr(f"nr. {fictional}, tak")


@given(st.text(max_size=2000))
def test_no_text_is_too_much_for_the_lint(prose: str) -> None:
    lint(prose)


@pytest.mark.parametrize("unit", ["a@", "1 ", "A1 1 1 ", "12 34 56 ", "mor ", "konto ", "&a", "karakter 1"])
def test_a_text_made_to_be_slow_is_searched_all_the_same(unit: str) -> None:
    lint(unit * (2000 // len(unit)))


def test_a_list_is_used_only_on_its_days() -> None:
    old = WordList(Rule.X08, "old", Match.WORD, ("tosset",), date(2025, 1, 1), date(2025, 12, 31))
    lists = WordLists((old,))
    assert lists.on(date(2025, 12, 31)).rules_found("Han er tosset") == {Rule.X08}
    assert lists.on(date(2026, 1, 1)).rules_found("Han er tosset") == frozenset()
    assert replace(old, valid_to=None).is_valid_on(date(2099, 1, 1))


def test_the_lists_say_that_no_officer_has_read_them_yet() -> None:
    assert words().reviewed_by is None
    assert words().reviewed_on is None
    assert {each.rule for each in words().lists} == {Rule.X02, Rule.X03, Rule.X05, Rule.X06, Rule.X08}


ROW = {"rule": "X08", "name": "n", "match": "WORD", "words": ["ord"], "validFrom": DAY}


def test_a_reviewed_list_names_who_and_when() -> None:
    read = WordLists.from_mapping({"list": [ROW], "reviewedBy": "DPO", "reviewedOn": DAY})
    assert (read.reviewed_by, read.reviewed_on) == ("DPO", DAY)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"list": []},
        {"list": ["x"]},
        {"list": [ROW], "reviewedOn": "i går"},
        {"list": [ROW | {"rule": "X99"}]},
        {"list": [ROW | {"match": "NEVER"}]},
        {"list": [ROW | {"words": "ord"}]},
        {"list": [ROW | {"words": ["Ord"]}]},
        {"list": [ROW | {"words": ["a*"]}]},
        {"list": [ROW | {"words": [3]}]},
        {"list": [ROW | {"validFrom": "2026"}]},
        {"list": [ROW | {"validTo": "2026"}]},
    ],
)
def test_lists_that_do_not_fit_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        WordLists.from_mapping(data)


PIECES = [each for some in FINDS.values() for each in some] + [
    "Alma",
    "er",
    "1234",
    "+45",
    "-",
    "@",
    "12",
    "5092",
    "",
]


@given(st.lists(st.tuples(st.sampled_from(["Note", "Name"]), st.sampled_from(PIECES)), max_size=4))
def test_a_text_is_found_whatever_stands_in_the_others(texts: list[tuple[str, str]]) -> None:
    """All are searched at once first, and each by itself only if something is found."""
    some = [LintText(f"/Document/X[{at}]", 1, name, prose) for at, (name, prose) in enumerate(texts)]
    together = lint_texts(some, words().on(DAY), protected=False)
    alone = [finding for each in some for finding in lint_texts([each], words().on(DAY), protected=False)]
    assert list(together) == alone


@pytest.mark.parametrize("piece", [each for some in FINDS.values() for each in some])
@pytest.mark.parametrize("beside", ["", "Alma", "12", "740305", "1234 ", "mor", "a", ":", "@"])
def test_what_is_found_is_found_between_other_texts(piece: str, beside: str) -> None:
    some = [LintText(f"/Document/{at}", 1, "Note", prose) for at, prose in enumerate((beside, piece, beside))]
    found = {each.rule for each in lint_texts(some, words().on(DAY), protected=False)}
    assert {each.rule for each in lint_texts([some[1]], words().on(DAY), protected=False)} <= found
