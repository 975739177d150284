"""What the steps of the verifier can find, each in one English and one Danish sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique

from gateway.domain.errors import Fact


@unique
class Finding(Enum):
    """What a step found, in English and Danish. `{names}` are facts: indexes, sizes, counts and entry ids only."""

    ARCHIVE_BROKEN = ("{english}", "{danish}")
    ARCHIVE_READ = (
        "The bundle is built as described and holds {entries} entries.",
        "Pakken er opbygget som beskrevet og indeholder {entries} poster.",
    )
    NOT_REACHED = (
        "Not checked, because the bundle cannot be read to its end.",
        "Ikke kontrolleret, fordi pakken ikke kan læses til ende.",
    )

    KEY_PINNED = (
        "The log key given is the one that the bundle names.",
        "Den oplyste lognøgle er den, som pakken nævner.",
    )
    KEY_MISSING = (
        "No log key was given, so nothing outside the bundle says whose log this is. Give the key of the contract.",
        "Der er ikke oplyst en lognøgle, så intet uden for pakken siger, hvis log det er. Oplys nøglen fra aftalen.",
    )
    KEY_OTHER = (
        "The bundle names a log key other than the one given. Ask the log's party by another way whether it changed.",
        "Pakken nævner en anden lognøgle end den oplyste. Spørg logparten ad anden vej, om nøglen er skiftet.",
    )

    CHECKPOINTS_SIGNED = (
        "All {checkpoints} checkpoints carry the signature of the log key.",
        "Alle {checkpoints} kontrolpunkter er signeret med lognøglen.",
    )
    CHECKPOINTS_SELF_SIGNED = (
        "All {checkpoints} checkpoints fit the key in the bundle itself, which proves nothing about the log.",
        "Alle {checkpoints} kontrolpunkter passer til nøglen i selve pakken, og det beviser intet om loggen.",
    )
    CHECKPOINT_MISSING = (
        "The bundle holds no checkpoint.",
        "Pakken indeholder intet kontrolpunkt.",
    )
    CHECKPOINT_BROKEN = (
        "Checkpoint number {number} is not one of this log: {english}",
        "Kontrolpunkt nummer {number} er ikke et af denne logs: {danish}",
    )
    CHECKPOINT_ORDER = (
        "Checkpoint number {number} is for fewer entries than the one before it.",
        "Kontrolpunkt nummer {number} dækker færre poster end det foregående.",
    )

    ENTRIES_READ = (
        "All {entries} entries are in the one form of log entries, belong to this log, and no entry id stands twice.",
        "Alle {entries} poster har logposters ene form og hører til denne log, og intet post-id står to gange.",
    )
    ENTRY_MALFORMED = (
        "Entry {index} is not in the one form of log entries of this log.",
        "Post {index} har ikke den ene form for poster i denne log.",
    )
    ENTRY_ID_TWICE = (
        "Entry {index} has the entry id of an earlier entry.",
        "Post {index} har samme post-id som en tidligere post.",
    )

    TILES_MATCH = (
        "Every entry has the leaf hash that the tiles hold at its index.",
        "Hver post har den bladværdi, som fliserne har på dens plads.",
    )
    ENTRY_CHANGED = (
        "Entry {index} was changed, or another entry was put in its place.",
        "Post {index} er ændret, eller en anden post er sat i dens sted.",
    )
    ENTRY_REMOVED = (
        "Entry {index} was removed.",
        "Post {index} er fjernet.",
    )
    ENTRY_INSERTED = (
        "Entry {index} was inserted; the log does not have it.",
        "Post {index} er indsat; loggen har den ikke.",
    )
    ENTRIES_SWAPPED = (
        "Entry {index} and the one after it were swapped.",
        "Post {index} og den følgende er byttet om.",
    )
    ENTRIES_CUT = (
        "The entries from {index} to {last} are missing at the end.",
        "Posterne fra {index} til {last} mangler i slutningen.",
    )
    ENTRIES_ADDED = (
        "The entries from {index} on were added after the end of the log.",
        "Posterne fra {index} og frem er føjet til efter loggens slutning.",
    )
    TILE_CHANGED = (
        "The tile hash of entry {index} was changed; the entries themselves lead to the signed roots.",
        "Flisens værdi for post {index} er ændret; selve posterne fører til de signerede rødder.",
    )

    ROOTS_MATCH = (
        "The entries lead to the root of each of the {checkpoints} checkpoints.",
        "Posterne fører til roden i hvert af de {checkpoints} kontrolpunkter.",
    )
    ROOTS_NOT_COMPARED = (
        "No checkpoint could be trusted, so the entries were held against none.",
        "Intet kontrolpunkt kunne godtages, så posterne er ikke holdt op mod noget.",
    )
    HISTORY_CHANGED = (
        "The entries do not lead to the signed root for {size} entries; up to {good} entries they do. "
        "So the first bad entry is one from {index} to {last}.",
        "Posterne fører ikke til den signerede rod for {size} poster; til og med {good} poster gør de. "
        "Den første forkerte post er altså en fra {index} til {last}.",
    )
    CHECKPOINTS_CONTRADICT = (
        "Two signed checkpoints for {size} entries have different roots: the log's key has signed two histories.",
        "To signerede kontrolpunkter for {size} poster har forskellige rødder: lognøglen har signeret to forløb.",
    )
    ENTRIES_UNSIGNED = (
        "The entries from {index} to {last} are covered by no checkpoint.",
        "Posterne fra {index} til {last} er ikke dækket af noget kontrolpunkt.",
    )

    KNOWN_HOLDS = (
        "The first {size} entries are the ones of the checkpoint that you kept. Entries cut off after them would not "
        "show: keep the newest checkpoint of this bundle for next time.",
        "De første {size} poster er dem, som dit gemte kontrolpunkt dækker. Poster skåret af efter dem ville ikke "
        "kunne ses: gem pakkens nyeste kontrolpunkt til næste gang.",
    )
    KNOWN_BY_TILES = (
        "The tiles of the first {size} entries are those of the checkpoint that you kept, but not all entries are "
        "those of the tiles.",
        "Hashværdierne for de første {size} poster er dem, som dit gemte kontrolpunkt dækker, men ikke alle poster "
        "svarer til deres hashværdi.",
    )
    KNOWN_MISSING = (
        "No earlier checkpoint was given, so a log cut off at the end or rewritten by its holder would not show.",
        "Der er ikke oplyst et tidligere kontrolpunkt, så en afkortet eller omskrevet log ville ikke kunne ses.",
    )
    KNOWN_EMPTY = (
        "The checkpoint given is for an empty log and so holds nothing fast. Give a later one.",
        "Det oplyste kontrolpunkt gælder en tom log og fastholder derfor intet. Oplys et senere.",
    )
    KNOWN_UNTRUSTED = (
        "The checkpoint given is not one of this log: {english}",
        "Det oplyste kontrolpunkt er ikke et af denne logs: {danish}",
    )
    KNOWN_CUT = (
        "The log was cut off: the checkpoint you kept covers {size} entries, so {index} to {last} are missing.",
        "Loggen er afkortet: dit gemte kontrolpunkt dækker {size} poster, så post {index} til {last} mangler.",
    )
    KNOWN_FORKED = (
        "The log was rewritten: its first {size} entries are not those of the checkpoint you kept. "
        "The two histories part at an entry from {index} to {last}.",
        "Loggen er omskrevet: dens første {size} poster er ikke dem, som dit gemte kontrolpunkt dækker. "
        "De to forløb skilles ved en post fra {index} til {last}.",
    )

    OPENINGS_HOLD = (
        "All {openings} openings open their commitments; {erased} entries were erased.",
        "Alle {openings} åbninger passer til deres forpligtelser; {erased} poster er slettet.",
    )
    OPENINGS_NONE = (
        "No openings were disclosed; {erased} entries were erased.",
        "Der er ikke udleveret åbninger; {erased} poster er slettet.",
    )
    OPENING_FALSE = (
        "The opening of {field} of entry {index} does not open its commitment.",
        "Åbningen af {field} i post {index} passer ikke til forpligtelsen.",
    )
    OPENING_LOST = (
        "Opening number {number} is malformed, names no entry of this log, or is out of order.",
        "Åbning nummer {number} er misdannet, nævner ingen post i denne log eller står i forkert rækkefølge.",
    )
    OPENING_OF_ERASED = (
        "{erased_yet_open} entries that the log says were erased still have openings in this bundle.",
        "{erased_yet_open} poster, som ifølge loggen er slettet, har stadig åbninger i denne pakke.",
    )

    @property
    def english(self) -> str:
        """The English sentence with its facts still open."""
        return self.value[0]

    @property
    def danish(self) -> str:
        """The Danish sentence with its facts still open."""
        return self.value[1]


@dataclass(frozen=True)
class Told:
    """A finding with its facts: two sentences."""

    finding: Finding
    facts: Mapping[str, Fact]

    @property
    def english(self) -> str:
        """The English sentence."""
        return self.finding.english.format_map(self.facts)

    @property
    def danish(self) -> str:
        """The Danish sentence."""
        return self.finding.danish.format_map(self.facts)


def tell(finding: Finding, **facts: Fact) -> Told:
    """The finding with these facts."""
    return Told(finding, facts)
