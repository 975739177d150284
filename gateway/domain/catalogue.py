"""The one catalogue of errors: each code with its family and its words in English and Danish.

Every text says what, where and what to do. `{names}` are facts of the error; they never hold personal data.
A retired code stays here, marked, so that no other error ever takes its name. `docs/errors.md` is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique


class Family(Enum):
    """Who must act on an error."""

    INPUT = "the caller"
    TRUST = "security"
    PEER = "the other gateway"
    UNAVAILABLE = "nobody: try again later"
    INTERNAL = "us"


@dataclass(frozen=True)
class Row:
    """One error: who must act, and the words."""

    family: Family
    english: str
    danish: str
    disclosed: bool = True
    """False: a caller is told MESSAGE_NOT_TRUSTED instead, since the reason would help an attacker."""


def _input(english: str, danish: str) -> Row:
    return Row(Family.INPUT, english, danish)


def _trust(english: str, danish: str) -> Row:
    """A failure of trust that the caller may know: the text tells how to mend it."""
    return Row(Family.TRUST, english, danish)


def _hidden(english: str, danish: str) -> Row:
    """A failure of trust whose reason stays in our own log."""
    return Row(Family.TRUST, english, danish, disclosed=False)


@unique
class Code(Enum):
    """The stable name of an error, as it stands in faults, logs and documentation."""

    # --- HTTP and MIME: the outermost shell -----------------------------------------------------------
    HTTP_METHOD = _input(
        "Use POST for this address; GET gives its WSDL with ?wsdl.",
        "Brug POST på denne adresse; GET giver dens WSDL med ?wsdl.",
    )
    HTTP_CONTENT_TYPE = _input(
        "The content type is not one of text/xml, application/soap+xml or multipart/related. Send one of these.",
        "Indholdstypen er ikke text/xml, application/soap+xml eller multipart/related. Send en af dem.",
    )
    HTTP_CONTENT_ENCODING = _input(
        "A Content-Encoding is not accepted. Send the message uncompressed.",
        "Content-Encoding modtages ikke. Send meddelelsen ukomprimeret.",
    )
    HTTP_HEADER_REPEATED = _input(
        "The HTTP header {header} is given more than once. Send it once.",
        "HTTP-headeren {header} er angivet mere end én gang. Send den én gang.",
    )
    HTTP_BODY_SLOW = _input(
        "The message came too slowly: it may take {seconds} seconds and pause for {pause}. "
        "Send it again over a better connection.",
        "Meddelelsen kom for langsomt: den må tage {seconds} sekunder og holde pause i {pause}. "
        "Send den igen over en bedre forbindelse.",
    )
    MESSAGE_TOO_LARGE = _input(
        "The message is larger than {limit} bytes. Send fewer or smaller attachments.",
        "Meddelelsen er større end {limit} bytes. Send færre eller mindre bilag.",
    )
    MIME_MALFORMED = _input(
        "The multipart message is malformed ({what}). Check boundary, part headers and the closing line.",
        "Den flerdelte meddelelse er forkert opbygget ({what}). Kontrollér skillelinje, hoveder og afslutning.",
    )
    MIME_TOO_MANY_PARTS = _input(
        "The message has more than {limit} parts. Send fewer attachments.",
        "Meddelelsen har mere end {limit} dele. Send færre bilag.",
    )

    # --- XML -----------------------------------------------------------------------------------------
    XML_MALFORMED = _input(
        "The XML is not well-formed at line {line}. Check that the document is complete UTF-8 XML 1.0.",
        "XML-dokumentet er ikke velformet i linje {line}. Kontrollér, at det er fuldstændig UTF-8 XML 1.0.",
    )
    XML_ENCODING = _input(
        "Only UTF-8 is accepted. Encode the document as UTF-8 and declare no other encoding.",
        "Kun UTF-8 modtages. Indkod dokumentet som UTF-8, og angiv ingen anden tegnkodning.",
    )
    XML_DOCTYPE = _input(
        "A document type declaration or entity is not accepted. Remove the DOCTYPE.",
        "Dokumenttypeerklæringer og entiteter modtages ikke. Fjern DOCTYPE.",
    )
    XML_FORBIDDEN = _input(
        "The XML holds {what} at line {line}, which is not accepted. Remove it.",
        "XML-dokumentet indeholder {what} i linje {line}, som ikke modtages. Fjern det.",
    )
    XML_TOO_LARGE = _input(
        "The XML exceeds the limit of {limit} for {what}. Send a smaller document.",
        "XML-dokumentet overskrider grænsen på {limit} for {what}. Send et mindre dokument.",
    )
    SCHEMA_INVALID = _input(
        "The document breaks its schema at {count} place(s). Each violation says where and what to do.",
        "Dokumentet overholder ikke skemaet {count} sted(er). Hver overtrædelse siger hvor og hvad der skal gøres.",
    )
    SCHEMA_UNKNOWN_ROOT = _input(
        "The root element is not a Document of this version. Use the schema that the WSDL refers to.",
        "Rodelementet er ikke et dokument i denne version. Brug det skema, som WSDL'en henviser til.",
    )

    # --- SOAP ----------------------------------------------------------------------------------------
    SOAP_MALFORMED = _input(
        "The SOAP message is malformed ({what}). Send an Envelope with one Header and one Body with one element.",
        "SOAP-meddelelsen er forkert opbygget ({what}). Send en Envelope med én Header og én Body med ét element.",
    )
    SOAP_VERSION = _input(
        "The envelope is neither SOAP 1.1 nor SOAP 1.2, or the content type belongs to the other version.",
        "Konvolutten er hverken SOAP 1.1 eller SOAP 1.2, eller indholdstypen hører til den anden version.",
    )
    SOAP_MUST_UNDERSTAND = _input(
        "The header {header} must be understood, but is not known here. Leave it out.",
        "Headeren {header} skal forstås, men kendes ikke her. Udelad den.",
    )
    SOAP_ACTION_MISMATCH = _input(
        "SOAPAction or wsa:Action names another operation than the signed Body. Make them agree or leave them out.",
        "SOAPAction eller wsa:Action nævner en anden operation end den signerede Body. Lad dem stemme, eller udelad dem.",
    )
    OPERATION_UNKNOWN = _input(
        "This service has no such operation. See its WSDL.",
        "Denne service har ikke en sådan operation. Se dens WSDL.",
    )

    # --- message signature (WS-Security) -------------------------------------------------------------
    MESSAGE_NOT_TRUSTED = _trust(
        "The message could not be trusted. Check signature, certificate and clock; quote the correlation id to us.",
        "Meddelelsen kunne ikke godtages. Kontrollér signatur, certifikat og ur; oplys korrelations-id til os.",
    )
    SECURITY_MISSING = _trust(
        "The message carries no WS-Security signature. Sign Body and Timestamp with the system's certificate.",
        "Meddelelsen har ingen WS-Security-signatur. Signér Body og Timestamp med fagsystemets certifikat.",
    )
    ADDRESSING_UNSIGNED = _trust(
        "A WS-Addressing header is not covered by the signature. Sign every wsa header, or send none.",
        "En WS-Addressing-header er ikke dækket af signaturen. Signér alle wsa-headere, eller send ingen.",
    )
    ADDRESSING_OTHER_SERVICE = _trust(
        "The signed wsa:To names another address than this service's own. Use the address that stands in the WSDL of this "
        "service, and sign the message anew.",
        "Den signerede wsa:To nævner en anden adresse end denne services egen. Brug adressen, der står i servicens WSDL, "
        "og signér meddelelsen på ny.",
    )
    ATTACHMENT_UNSIGNED = _trust(
        "An attachment is not covered by the signature, or is named in it twice. Sign each one, as SwA part or, with "
        "MTOM, through its xop:Include, and send none that nothing refers to.",
        "Et bilag er ikke dækket af signaturen eller er nævnt i den to gange. Signér hvert bilag, som SwA-del eller, "
        "med MTOM, gennem dets xop:Include, og send ingen, som intet henviser til.",
    )
    TIMESTAMP_OUTSIDE = _trust(
        "The Timestamp lies outside the accepted time. Set the clock right; lifetime at most 15 minutes, skew 5 minutes.",
        "Timestamp ligger uden for den tilladte tid. Stil uret; levetid højst 15 minutter, afvigelse 5 minutter.",
    )
    MESSAGE_REPLAYED = _trust(
        "This very message was received before. Repeat the same request in a fresh message: new Timestamp, new signature.",
        "Netop denne meddelelse er modtaget før. Gentag anmodningen i en ny meddelelse: nyt Timestamp, ny signatur.",
    )
    SIGNATURE_SHAPE = _hidden(
        "The signature does not have the one accepted shape ({what}).",
        "Signaturen har ikke den ene tilladte opbygning ({what}).",
    )
    SIGNATURE_ALGORITHM = _trust(
        "The algorithm {algorithm} is not accepted for {what}. Use rsa-sha256 (2048 bits or more) or ecdsa-sha256 with "
        "P-256, SHA-256 digests and exclusive canonicalisation.",
        "Algoritmen {algorithm} kan ikke bruges til {what}. Brug rsa-sha256 (mindst 2048 bit) eller ecdsa-sha256 med "
        "P-256, SHA-256 og eksklusiv kanonisering.",
    )
    SIGNATURE_COVERAGE = _hidden(
        "The signature does not cover exactly what it must ({what}).",
        "Signaturen dækker ikke netop det, den skal ({what}).",
    )
    SIGNATURE_DIGEST = _hidden(
        "A digest does not match what was received ({what}).",
        "En kontrolsum svarer ikke til det modtagne ({what}).",
    )
    SIGNATURE_VALUE = _hidden(
        "The signature value does not verify with the certificate's key.",
        "Signaturværdien kan ikke bekræftes med certifikatets nøgle.",
    )
    SIGNATURE_PROPERTIES = _hidden(
        "The signed properties are not those of XAdES baseline B ({what}).",
        "De signerede egenskaber er ikke som i XAdES baseline B ({what}).",
    )
    UNSIGNED_PROPERTIES_TOO_LARGE = _input(
        "The unsigned properties of the document's signature are larger than {limit} bytes. Leave out what the gateway "
        "does not need: it reads none of them, and keeps the revocation lists of the time itself.",
        "De usignerede egenskaber i dokumentets signatur er større end {limit} bytes. Udelad det, gatewayen ikke har "
        "brug for: den læser ingen af dem og gemmer selv tidspunktets spærrelister.",
    )
    CERTIFICATE_MALFORMED = _hidden(
        "The certificate cannot be read or is not shaped as required ({what}).",
        "Certifikatet kan ikke læses eller er ikke opbygget som krævet ({what}).",
    )
    CERTIFICATE_UNTRUSTED = _hidden(
        "The certificate does not lead to a trusted root ({what}).",
        "Certifikatet fører ikke til en betroet rod ({what}).",
    )
    CERTIFICATE_TIME = _hidden(
        "The certificate is expired or not yet valid at the time that counts.",
        "Certifikatet er udløbet eller endnu ikke gyldigt på det afgørende tidspunkt.",
    )
    CERTIFICATE_REVOKED = _hidden(
        "The certificate was revoked at the time that counts.",
        "Certifikatet var spærret på det afgørende tidspunkt.",
    )
    CERTIFICATE_USAGE = _hidden(
        "The certificate may not be used for this ({what}).",
        "Certifikatet må ikke bruges til dette ({what}).",
    )
    REVOCATION_UNKNOWN = Row(
        Family.UNAVAILABLE,
        "Whether a certificate is revoked cannot be told now: the revocation list is missing or too old. Try again later.",
        "Det kan ikke afgøres nu, om et certifikat er spærret: spærrelisten mangler eller er for gammel. Prøv igen senere.",
    )
    REVOCATION_LIST_UNTRUSTED = _hidden(
        "A revocation list is not one of the trusted authority's ({what}). It is not used; fetch it again.",
        "En spærreliste er ikke den betroede udsteders ({what}). Den bruges ikke; hent den igen.",
    )
    FETCH_FAILED = Row(
        Family.UNAVAILABLE,
        "{url} could not be fetched ({what}). What was fetched before stays in use; it is tried again by itself.",
        "{url} kunne ikke hentes ({what}). Det, der blev hentet før, bruges fortsat; der prøves igen af sig selv.",
    )
    DEVELOPMENT_ROOT = _trust(
        "A development certificate is refused in this environment. Use an OCES3 certificate.",
        "Et udviklingscertifikat afvises i dette miljø. Brug et OCES3-certifikat.",
    )

    # --- who may do what -----------------------------------------------------------------------------
    SYSTEM_UNKNOWN = _trust(
        "The certificate belongs to no registered system. Ask the operator to register it.",
        "Certifikatet hører ikke til et registreret fagsystem. Bed driften registrere det.",
    )
    MANDATE_MISSING = _trust(
        "The system has no mandate for {operation} on behalf of this party today. Ask the party to give one.",
        "Fagsystemet har i dag ingen fuldmagt til {operation} på vegne af denne part. Bed parten give en.",
    )
    NOT_FOUND = _input(
        "Nothing with this identifier is known for this party. Check the identifier and on whose behalf you ask.",
        "Der findes intet med denne identifikation for denne part. Kontrollér id og hvem der spørges på vegne af.",
    )

    ALREADY_REGISTERED = _input(
        "{what} is registered already. List what is registered, and change it instead.",
        "{what} er allerede registreret. Vis det registrerede, og ret det i stedet.",
    )
    SEAL_KEY_OF_ANOTHER = _input(
        "The certificate of the seal key does not carry the party's CVR number. Use the party's own certificate.",
        "Forseglingsnøglens certifikat har ikke partens CVR-nummer. Brug partens eget certifikat.",
    )
    CERTIFICATE_OF_ANOTHER = _input(
        "The certificate carries another CVR number than the system's. Register it as a system of its own.",
        "Certifikatet har et andet CVR-nummer end fagsystemet. Registrér det som et selvstændigt fagsystem.",
    )

    # --- documents -----------------------------------------------------------------------------------
    DUPLICATE_DIFFERENT = _input(
        "Document {document_id} was received before with other content. Give the changed document a new id and Corrects.",
        "Dokument {document_id} er modtaget før med andet indhold. Giv det ændrede dokument nyt id og Corrects.",
    )
    DOCUMENT_ID_TAKEN = _input(
        "The DocumentId is in use already. Give this document a new random UUID, version 4, and send it again.",
        "DocumentId er allerede i brug. Giv dokumentet et nyt tilfældigt UUID, version 4, og send det igen.",
    )
    DOCUMENT_SEALED_BY = _input(
        "Header/SealedBy does not agree with how the document was sent ({expected} expected).",
        "Header/SealedBy svarer ikke til, hvordan dokumentet blev sendt ({expected} forventet).",
    )
    DOCUMENT_SIGNATURE_UNEXPECTED = _input(
        "A typed document must not carry a signature: the gateway seals it. Send a signed one as SignedDocument.",
        "Et typet dokument må ikke være signeret: gatewayen forsegler det. Send et signeret som SignedDocument.",
    )
    SEAL_NOT_ALLOWED = _input(
        "This party does not let the gateway seal. Sign the document in the system and send it as SignedDocument.",
        "Parten lader ikke gatewayen forsegle. Signér dokumentet i fagsystemet, og send det som SignedDocument.",
    )
    SEAL_UNUSABLE = _trust(
        "The certificate with which the gateway seals for this party cannot be used ({what}). Ask the operator to renew it, "
        "or sign the document in the system and send it as SignedDocument.",
        "Certifikatet, som gatewayen forsegler med for parten, kan ikke bruges ({what}). Bed driften forny det, eller "
        "signér dokumentet i fagsystemet, og send det som SignedDocument.",
    )
    SENDER_NOT_ACTING_PARTY = _input(
        "The document's sender is not the party that the system acts for.",
        "Dokumentets afsender er ikke den part, som fagsystemet handler for.",
    )
    KIND_NOT_ACCEPTED = _input(
        "The operation {operation} does not carry the kind {kind}.",
        "Operationen {operation} kan ikke bære dokumenttypen {kind}.",
    )
    RECIPIENT_UNKNOWN = _input(
        "The recipient is not reachable here or does not receive {kind}. FindParty shows who is reachable.",
        "Modtageren kan ikke nås her eller modtager ikke {kind}. FindParty viser, hvem der kan nås.",
    )
    RULES_BROKEN = _input(
        "The document breaks {count} business rule(s). Each violation names its rule and its field.",
        "Dokumentet bryder {count} forretningsregel(er). Hver overtrædelse nævner sin regel og sit felt.",
    )
    ATTACHMENT_TYPE = _input(
        "Attachment {number} is not an accepted file ({what}). Send PDF, PNG, JPEG or plain text without active content.",
        "Bilag {number} er ikke en tilladt fil ({what}). Send PDF, PNG, JPEG eller ren tekst uden aktivt indhold.",
    )
    ATTACHMENT_INFECTED = _input(
        "The antivirus found {signature} in attachment {number}. Nothing was accepted. Examine the file where it comes from, "
        "and send the document without it or with a clean one.",
        "Antivirus fandt {signature} i bilag {number}. Intet er modtaget. Undersøg filen dér, hvor den kommer fra, og send "
        "dokumentet uden den eller med en ren fil.",
    )
    CONTENT_DIGEST_DIFFERENT = _input(
        "ContentDigest is not the SHA-256 of the octets that Retrieve gave. Retrieve the document again and store it whole.",
        "ContentDigest er ikke SHA-256 af de bytes, Retrieve gav. Hent dokumentet igen, og gem det helt.",
    )
    NOT_ROUTED = _input(
        "ConfirmHandover is only for systems that the party's routes send this document. Ask the party to set a route to "
        "this system, or leave the hand-over to the system that receives the document.",
        "ConfirmHandover er kun for fagsystemer, som partens ruter sender dokumentet til. Bed parten oprette en rute til "
        "dette fagsystem, eller overlad afleveringen til det fagsystem, der modtager dokumentet.",
    )
    READ_TIME = _input(
        "ReadAt lies in the future or before the document was available. Give the time of the reading, in UTC.",
        "ReadAt ligger i fremtiden eller før dokumentet var tilgængeligt. Angiv tidspunktet for læsningen i UTC.",
    )
    CURSOR_INVALID = _input(
        "The cursor is not one that this operation gave to this party. Start again without a cursor.",
        "Markøren er ikke en, som denne operation har givet denne part. Begynd forfra uden markør.",
    )
    STATE_CONFLICT = _input(
        "The document is {state}; this step is not possible from there.",
        "Dokumentet er {state}; dette trin er ikke muligt derfra.",
    )

    # --- the log and its bundle ----------------------------------------------------------------------
    BUNDLE_MALFORMED = _input(
        "The log bundle cannot be read ({what}). Export it again.",
        "Logpakken kan ikke læses ({what}). Eksportér den igen.",
    )
    LOG_ENTRY_MALFORMED = _input(
        "The log entry is not in the one form that docs/log-format.md gives ({what}). Export the log again.",
        "Logposten har ikke den ene form, som docs/log-format.md beskriver ({what}). Eksportér loggen igen.",
    )
    LOG_OPENING_MALFORMED = _input(
        "The opening of a log entry cannot be read ({what}). Export the log again.",
        "Åbningen af en logpost kan ikke læses ({what}). Eksportér loggen igen.",
    )
    LOG_KEY_MALFORMED = _input(
        "The log key is not of the form name+keyid+key ({what}). Copy it again from the contract.",
        "Lognøglen har ikke formen navn+nøgleid+nøgle ({what}). Kopiér den igen fra aftalen.",
    )
    LOG_CHECKPOINT_MALFORMED = _input(
        "The checkpoint cannot be read ({what}). Give the file exactly as the log wrote it.",
        "Kontrolpunktet kan ikke læses ({what}). Giv filen præcis, som loggen skrev den.",
    )
    LOG_CHECKPOINT_UNTRUSTED = _trust(
        "The checkpoint cannot be trusted ({what}). Ask the log's party which key signs it, by another way.",
        "Kontrolpunktet kan ikke godtages ({what}). Spørg logpartens ansvarlige ad anden vej, hvilken nøgle der gælder.",
    )
    LOG_CHECKPOINT_AHEAD = _input(
        "The log of {party} does not go on from its checkpoint that is kept outside: entries are missing, or are others. "
        "Nothing was written over. Stop the gateway, and run `bropost restore check` with what is kept outside.",
        "Loggen for {party} fortsætter ikke fra det kontrolpunkt, der opbevares udenfor: poster mangler eller er andre. "
        "Intet er overskrevet. Stop gatewayen, og kør `bropost restore check` med det, der opbevares udenfor.",
    )
    LOG_PROOF_MALFORMED = _input(
        "The log proof cannot be read ({what}). Fetch it again.",
        "Logbeviset kan ikke læses ({what}). Hent det igen.",
    )
    LOG_PROOF_UNTRUSTED = _trust(
        "The log proof does not show that entry {index} is in the log. Keep the proof and tell the log's party.",
        "Logbeviset viser ikke, at post {index} er i loggen. Gem beviset, og sig det til logparten.",
    )

    # --- the installation ----------------------------------------------------------------------------
    ARGUMENT_INVALID = _input(
        "An argument cannot be used: {what}. `--help` shows what is expected.",
        "Et argument kan ikke bruges: {what}. `--help` viser, hvad der forventes.",
    )
    SETTINGS_INVALID = _input(
        "The settings are not usable: {what}. docs/settings.md lists every setting.",
        "Indstillingerne kan ikke bruges: {what}. docs/settings.md viser alle indstillinger.",
    )
    BUSY = Row(
        Family.UNAVAILABLE,
        "The gateway is busy. Try again after {seconds} seconds with the same document.",
        "Gatewayen er optaget. Prøv igen om {seconds} sekunder med samme dokument.",
    )
    RATE_LIMITED = Row(
        Family.UNAVAILABLE,
        "The system sends more than {limit} requests a minute with this certificate. Try again after {seconds} seconds, and "
        "ask less often: ListEvents tells everything that happened since the last time.",
        "Fagsystemet sender mere end {limit} anmodninger i minuttet med dette certifikat. Prøv igen om {seconds} sekunder, "
        "og spørg sjældnere: ListEvents fortæller alt, der er sket siden sidst.",
    )
    QUOTA_EXCEEDED = Row(
        Family.UNAVAILABLE,
        "The system has sent what it may send in a day ({limit} {what}). Try again after {seconds} seconds with the same "
        "document, or ask the operator for a larger quota. Everything but sending goes on.",
        "Fagsystemet har sendt det, det må sende på en dag ({limit} {what}). Prøv igen om {seconds} sekunder med samme "
        "dokument, eller bed driften om en større kvote. Alt andet end at sende går fortsat.",
    )
    ANTIVIRUS_UNAVAILABLE = Row(
        Family.UNAVAILABLE,
        "The antivirus gives no verdict on the attachments now ({what}). Nothing was accepted; try again later with the "
        "same document.",
        "Antivirus giver nu ingen afgørelse om bilagene ({what}). Intet er modtaget; prøv igen senere med samme dokument.",
    )
    DATABASE_IN_USE = _input(
        "The gateway or a command uses its database now. Stop the gateway, and try again.",
        "Gatewayen eller en kommando bruger databasen nu. Stands gatewayen, og prøv igen.",
    )
    STORE_MOVED = _input(
        "The store was moved to {address}. Served from here too, every log would get a second history. "
        "Set store.database to that address.",
        "Lageret er flyttet til {address}. Bruges det også her, får hver log to historier. "
        "Sæt store.database til den adresse.",
    )
    STORE_RESTORED = _input(
        "The store comes from a backup and was not compared with what is known outside. Run `bropost restore check` with "
        "the newest checkpoint of every log; if nobody keeps one, go on knowingly with `bropost restore accept`, as "
        "docs/operations.md says.",
        "Lageret kommer fra en sikkerhedskopi og er ikke sammenlignet med det, der kendes udenfor. Kør "
        "`bropost restore check` med hver logs nyeste kontrolpunkt; har ingen et, så fortsæt bevidst med "
        "`bropost restore accept`, som docs/operations.md beskriver.",
    )
    STORE_BEHIND = _input(
        "The store lacks entries that a checkpoint kept outside tells of. Do not serve it: restore a newer backup, or go on "
        "knowingly with `bropost restore accept`, as docs/operations.md says.",
        "Lageret mangler poster, som et kontrolpunkt udenfor vidner om. Brug det ikke: gendan en nyere sikkerhedskopi, "
        "eller fortsæt bevidst med `bropost restore accept`, som docs/operations.md beskriver.",
    )
    STORE_UNFINISHED = _input(
        "A store was to be copied into this database, and nothing of it has arrived. Give the `bropost store copy` that was "
        "broken off once more.",
        "Et lager skulle kopieres ind i denne database, og intet af det er nået frem. Giv den `bropost store copy`, der blev "
        "afbrudt, igen.",
    )
    STORE_UNAVAILABLE = Row(
        Family.UNAVAILABLE,
        "The store cannot be written now. Nothing was accepted; try again later with the same document.",
        "Lageret kan ikke skrives nu. Intet er modtaget; prøv igen senere med samme dokument.",
    )
    OWN_CERTIFICATE_UNUSABLE = Row(
        Family.UNAVAILABLE,
        "The gateway's own certificate ({which}) cannot be used now ({what}). Nothing was accepted; try again later. "
        "The operator must replace it.",
        "Gatewayens eget certifikat ({which}) kan ikke bruges nu ({what}). Intet er modtaget; prøv igen senere. "
        "Driften skal udskifte det.",
    )
    STORED_DATA_ALTERED = Row(
        Family.INTERNAL,
        "Stored data cannot be decrypted: the data or its key has been changed. Stop, and restore from the backup.",
        "Lagrede data kan ikke dekrypteres: data eller nøgle er ændret. Stands, og gendan fra sikkerhedskopien.",
    )
    KEY_MISSING = Row(
        Family.INTERNAL,
        "The key {key} of party {party} is not in the key store. Make it, or restore the key store from its backup.",
        "Nøglen {key} for parten {party} findes ikke i nøglelageret. Opret den, eller gendan nøglelageret.",
    )
    INTERNAL = Row(
        Family.INTERNAL,
        "Something went wrong here. Nothing was accepted; quote the correlation id to us.",
        "Noget gik galt hos os. Intet er modtaget; oplys korrelations-id til os.",
    )

    @property
    def row(self) -> Row:
        """The family and the words of this code."""
        return self.value
