"""The phrases that errors fill into their sentences: in English as raisers write them, and in Danish beside it.

A fact of an error is a number, a name that is the same in both languages (`Content-Type`, a party, an identifier), or
one of these phrases. `{}` stands for a name, `{*}` for one that may hold spaces, such as a path. A house test keeps the
list whole, so that no Danish sentence gets an English phrase.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

PHRASES: Final[Mapping[str, str]] = {
    # --- MIME and attachments ------------------------------------------------------------------------
    "boundary": "skillelinjen",
    "part headers": "en dels hoveder",
    "cid URI": "en cid-URI",
    "no part": "ingen dele",
    "Content-ID twice or missing": "Content-ID mangler eller står to gange",
    "Content-Transfer-Encoding other than binary, 8bit or 7bit": (
        "anden Content-Transfer-Encoding end binary, 8bit og 7bit"
    ),
    "a line that begins with the boundary": "en linje, der begynder som skillelinjen",
    "a delimiter is missing": "en skillelinje mangler",
    "a delimiter after a bare line feed": "en skillelinje efter et linjeskift uden CR",
    "data after the closing delimiter": "data efter den afsluttende skillelinje",
    "start names no part": "start nævner ingen del",
    "type is not that of the root part": "type er ikke roddelens",
    "a part that nothing refers to": "en del, som intet henviser til",
    "two references to one part": "to henvisninger til én del",
    "a cid: URI names no part": "en cid:-URI nævner ingen del",
    "an XML attachment; send it as application/octet-stream": (
        "et XML-bilag; send det som application/octet-stream"
    ),
    "an xop:Include that is not all its element holds": (
        "en xop:Include, der ikke er elementets eneste indhold"
    ),
    "an xop:Include with other than href": "en xop:Include med andet end href",
    "the media type is not accepted": "medietypen modtages ikke",
    "it is not a PDF": "det er ikke en PDF",
    "it is not a PNG": "det er ikke en PNG",
    "it is not a JPEG": "det er ikke en JPEG",
    "the PDF is cut off": "PDF'en er afkortet",
    "the PNG is cut off": "PNG'en er afkortet",
    "bytes follow the end of the PNG": "der er bytes efter PNG'ens slutning",
    "the JPEG is cut off or followed by other bytes": "JPEG'en er afkortet eller efterfulgt af andre bytes",
    "the PDF holds {}": "PDF'en indeholder {}",
    "the PDF has too many escaped names": "PDF'en har for mange navne med #-koder",
    "the PDF hides active content behind an escaped name": (
        "PDF'en skjuler aktivt indhold bag et navn med #-koder"
    ),
    "an object stream of the PDF cannot be found": "en objektstrøm i PDF'en kan ikke findes",
    "an object stream of the PDF cannot be read": "en objektstrøm i PDF'en kan ikke læses",
    "the object streams of the PDF are too large": "PDF'ens objektstrømme er for store",
    "the text is too long to be searched; send it as PDF": (
        "teksten er for lang til at blive gennemsøgt; send den som PDF"
    ),
    "the text is not UTF-8": "teksten er ikke UTF-8",
    "the text holds control characters": "teksten indeholder styretegn",
    # --- XML and SOAP --------------------------------------------------------------------------------
    "octets": "bytes",
    "octets of one text": "bytes i én tekst",
    "depth": "dybde",
    "elements": "elementer",
    "comments": "kommentarer",
    "CDATA sections": "CDATA-sektioner",
    "character references": "tegnhenvisninger",
    "attributes of one element": "attributter i ét element",
    "namespace declarations of one element": "navnerumserklæringer i ét element",
    "namespaces in scope of one element": "navnerum, der gælder i ét element",
    "a comment": "en kommentar",
    "a comment in a value": "en kommentar i en værdi",
    "a processing instruction": "en behandlingsinstruktion",
    "a namespace that is not an absolute URI": "et navnerum, der ikke er en absolut URI",
    "a reference to a control character": "en henvisning til et styretegn",
    "the control character {}": "styretegnet {}",
    "the hidden character {}": "det skjulte tegn {}",
    "a hidden character in damaged UTF-8": "et skjult tegn i beskadiget UTF-8",
    "an element without a canonical form": "et element uden kanonisk form",
    "an xsi attribute": "en xsi-attribut",
    "another version than XML 1.0": "en anden version end XML 1.0",
    "text between elements": "tekst mellem elementer",
    "a node that is no element": "andet end elementer",
    "the root element is no Envelope": "rodelementet er ikke en Envelope",
    "Envelope holds other than Header and Body": "Envelope indeholder andet end Header og Body",
    "Body holds other than one element": "Body indeholder andet end ét element",
    "more than one Security header, or one for somebody else": (
        "mere end én Security-header, eller en til en anden"
    ),
    "{} twice": "{} to gange",
    "{} is not the anonymous address": "{} er ikke den anonyme adresse",
    "{} holds more than text": "{} indeholder mere end tekst",
    # --- signatures and certificates -----------------------------------------------------------------
    "the signature": "signaturen",
    "the key": "nøglen",
    "the document": "dokumentet",
    "the security header": "sikkerhedsheaderen",
    "a digest": "en kontrolsum",
    "a key": "en nøgle",
    "a key of another kind": "en nøgle af en anden slags",
    "a reference": "en henvisning",
    "a transform": "en transformation",
    "an attachment": "et bilag",
    "an element": "et element",
    "canonicalisation": "kanonisering",
    "parameters": "parametre",
    "(unreadable)": "(ulæselig)",
    "RSA with {} bits": "RSA med {} bit",
    "RSA with this exponent": "RSA med denne eksponent",
    "a value with children": "en værdi med underelementer",
    "an id that is no name": "et id, der ikke er et navn",
    "an id that stands twice": "et id, der står to gange",
    "two ids of one element": "to id'er på ét element",
    "an unexpected attribute": "en uventet attribut",
    "not base64": "ikke base64",
    "no {}": "uden {}",
    "children of {}": "underelementer i {}",
    "references of SignedInfo": "henvisninger i SignedInfo",
    "URI of a reference": "en henvisnings URI",
    "length of a digest": "en kontrolsums længde",
    "number of transforms": "antallet af transformationer",
    "number of inclusive prefixes": "antallet af inklusive præfikser",
    "an inclusive prefix": "et inklusivt præfiks",
    "parameters of a canonicalisation": "parametre til en kanonisering",
    "parameters of a digest": "parametre til en kontrolsum",
    "parameters of a transform": "parametre til en transformation",
    "an Object in a message signature": "et Object i en meddelelsessignatur",
    "token reference": "henvisningen til et token",
    "X509Data names no certificate, or two": "X509Data nævner intet eller to certifikater",
    "a reference leads nowhere": "en henvisning fører ingen steder hen",
    "a reference of another form": "en henvisning af en anden form",
    "something else is signed": "noget andet er signeret",
    "Body or Timestamp is not signed": "Body eller Timestamp er ikke signeret",
    "an xop:Include outside Body, or in a message without parts": (
        "en xop:Include uden for Body eller i en meddelelse uden dele"
    ),
    "an xop:Include in the security header": "en xop:Include i sikkerhedsheaderen",
    "transforms": "transformationer",
    "not exactly one signature": "ikke netop én signatur",
    "not exactly one {}": "ikke netop én {}",
    "not the document and the signed properties": "ikke dokumentet og de signerede egenskaber",
    "signed properties at another place": "signerede egenskaber et andet sted",
    "the signature is not the last element": "signaturen er ikke det sidste element",
    "SigningCertificateV2 is not the certificate of KeyInfo": (
        "SigningCertificateV2 er ikke certifikatet i KeyInfo"
    ),
    "SigningTime lies in the future": "SigningTime ligger i fremtiden",
    "not readable": "ikke læselig",
    "not DER": "ikke DER",
    "not version 3": "ikke version 3",
    "not a PEM file of certificates": "ikke en PEM-fil med certifikater",
    "serial number": "serienummer",
    "too large": "for stor",
    "country": "land",
    "policy": "politik",
    "extended key usage": "udvidet nøgleanvendelse",
    "an authority's certificate": "en udsteders certifikat",
    "subject of several values in one part": "et emne med flere værdier i én del",
    "none or too many certificates": "ingen eller for mange certifikater",
    "key identifiers": "nøgleidentifikationer",
    "no path to a root": "ingen vej til en rod",
    "it is identified, but not known": "det er angivet, men kendes ikke",
    "algorithm": "algoritme",
    "signature": "signatur",
    "another issuer": "en anden udsteder",
    "an unknown issuer": "en ukendt udsteder",
    "an issuer that may not sign lists": "en udsteder, der ikke må signere lister",
    "an entry for another issuer": "en post for en anden udsteder",
    "an entry of a delta list": "en post fra en deltaliste",
    "an entry that is not readable": "en post, der ikke kan læses",
    "not a plain, complete list": "ikke en almindelig, fuldstændig liste",
    "a time that lies ahead": "et tidspunkt, der ligger forude",
    "older than the list at hand": "ældre end den liste, der haves",
    "no whole answer in time": "intet helt svar i tide",
    "a redirect to another host": "en henvisning til en anden vært",
    "too many redirects": "for mange henvisninger",
    "a compressed answer": "et komprimeret svar",
    "an answer that is too large": "et svar, der er for stort",
    "an answer that is cut off": "et svar, der er afkortet",
    "HTTP status {}": "HTTP-status {}",
    # --- antivirus and quotas ------------------------------------------------------------------------
    "it takes less at once": "det tager mindre ad gangen",
    "as many scans as may be are under way": "så mange scanninger, som der må være, er i gang",
    "no verdict": "ingen afgørelse",
    "no connection": "ingen forbindelse",
    "documents": "dokumenter",
    "megabytes": "megabyte",
    # --- the log and its bundle ----------------------------------------------------------------------
    "empty": "tom",
    "not three parts joined by +": "ikke tre dele forbundet med +",
    "not an Ed25519 key": "ikke en Ed25519-nøgle",
    "the key id is that of another key": "nøgle-id'et er en anden nøgles",
    "not three lines, a blank line and signatures": "ikke tre linjer, en tom linje og signaturer",
    "origin, size or root": "lognavn, størrelse eller rod",
    "size or root": "størrelse eller rod",
    "a signature line": "en signaturlinje",
    "it belongs to another log": "det hører til en anden log",
    "no known key signed it": "ingen kendt nøgle har signeret det",
    "its signature does not verify": "dets signatur kan ikke bekræftes",
    "first line or blank line": "første linje eller den tomme linje",
    "extra line, index line or number of hashes": (
        "en ekstra linje, indekslinjen eller antallet af kontrolsummer"
    ),
    "a hash": "en kontrolsum",
    "not one in canonical form": "ikke en i kanonisk form",
    "not in canonical form": "ikke i kanonisk form",
    "not JSON": "ikke JSON",
    "not canonical JSON": "ikke kanonisk JSON",
    "not UTF-8": "ikke UTF-8",
    "not an object of format version {}": "ikke et objekt i formatversion {}",
    "larger than {} octets": "større end {} bytes",
    "an unknown field": "et ukendt felt",
    "the field {}": "feltet {}",
    "a note that is too long": "en note, der er for lang",
    "cut off": "afkortet",
    "missing or too long": "mangler eller er for lang",
    "missing or of another length": "mangler eller har en anden længde",
    "other members than expected": "andre medlemmer end ventet",
    "format, size or a member too many": "format, størrelse eller et medlem for meget",
    "keys of another log, none or too many": "en anden logs nøgler, ingen eller for mange",
    "compressed, encrypted or of unknown length": "komprimeret, krypteret eller af ukendt længde",
    "its header says something else than the directory": (
        "dens hoved siger noget andet end indholdsfortegnelsen"
    ),
    "without entries, checkpoints or manifest": "uden poster, kontrolpunkter eller manifest",
    "{} tiles for {} entries": "{} fliser til {} poster",
    "not a ZIP file that can be read": "ikke en ZIP-fil, der kan læses",
    "not a ZIP file without comment": "ikke en ZIP-fil uden kommentar",
    "a ZIP64 record in another place than before its locator": (
        "en ZIP64-post et andet sted end før dens henvisning"
    ),
    "a directory that is too large": "en for stor indholdsfortegnelse",
    "a member with an unexpected name": "et medlem med et uventet navn",
    "members that stand twice, or octets that belong to none": (
        "medlemmer, der står to gange, eller bytes uden for dem"
    ),
    "octets that belong to no member": "bytes, der ikke hører til et medlem",
    "an entry of kind {} needs {*}": "en post af typen {} kræver {*}",
    "an entry has a date of visibility exactly when it is delayed": (
        "en post har en synlighedsdato, netop når den er udskudt"
    ),
    "subjects have a kind and a count above 0, or neither": (
        "unge har både type og et antal over 0, eller ingen af delene"
    ),
    "an entry with a subject is about one": "en post med en ung handler om én",
    "only an entry of kind ERASE erases": "kun en post af typen ERASE sletter",
    # --- settings and commands -----------------------------------------------------------------------
    "Field required": "mangler",
    "Extra inputs are not permitted": "kendes ikke",
    "this certificate": "dette certifikat",
    "{*} cannot be read": "{*} kan ikke læses",
    "{*} cannot be read as UTF-8 text": "{*} kan ikke læses som UTF-8-tekst",
    "{*} cannot be written": "{*} kan ikke skrives",
    "{*} cannot be made": "{*} kan ikke oprettes",
    "{*} does not exist": "{*} findes ikke",
    "{*} is there already": "{*} findes allerede",
    "{*} is not empty": "{*} er ikke tom",
    "a store that is no backup is in the folder": "i mappen ligger et lager, som ikke er en sikkerhedskopi",
    "{*} is no checkpoint": "{*} er ikke et kontrolpunkt",
    "{*} is of another log: keep it apart": "{*} er fra en anden log: opbevar det for sig",
    "{*} is no declaration": "{*} er ikke en erklæring",
    "{*} lacks {}": "{*} mangler {}",
    "{*} is not TOML: {*}": "{*} er ikke TOML; se den engelske tekst",
    "{*} is not {} octets long": "{*} er ikke {} bytes lang",
    "{*} is not a valid {}": "{*} er ikke en gyldig {}",
    "--usage {}": "--usage {}",
    "--address is no URL of a gateway": "--address er ikke en gateways URL",
    "--until lies in the past": "--until ligger i fortiden",
    "--kind, --all-kinds and --no-kinds: give one of them": "--kind, --all-kinds og --no-kinds: angiv én af dem",
    "nothing to change": "der er intet at ændre",
    "{} never goes to this sort of party": "{} går aldrig til den slags part",
    "give a file or --document-id": "angiv en fil eller --document-id",
    "--document-id and --party belong together": "--document-id og --party hører sammen",
    "--document-id needs --settings": "--document-id kræver --settings",
    "not a UUID version 4 in lower case": "ikke et UUID version 4 med små bogstaver",
    "not a CVR number of eight digits": "ikke et CVR-nummer på otte cifre",
    "a unit is a municipality code (0nnn) or an institution number of six characters": (
        "en enhed er en kommunekode (0nnn) eller et institutionsnummer på seks tegn"
    ),
    "server.connections {} needs {} open files, and the system allows {} (LimitNOFILE, ulimit -n)": (
        "server.connections {} kræver {} åbne filer, og systemet tillader {} (LimitNOFILE, ulimit -n)"
    ),
    "server.tls_certificate {*} and server.tls_key {*} cannot be used together": (
        "server.tls_certificate {*} og server.tls_key {*} kan ikke bruges sammen"
    ),
    "store.database is the address of neither an SQLite file nor a PostgreSQL database": (
        "store.database er hverken adressen på en SQLite-fil eller på en PostgreSQL-database"
    ),
    "the address of the database names another machine without ?sslmode=verify-full": (
        "databasens adresse nævner en anden maskine uden ?sslmode=verify-full"
    ),
    "the address of the database names no host and no folder of a socket (?host=)": (
        "databasens adresse nævner hverken en vært eller mappen med en socket (?host=)"
    ),
    "the address of the database holds a password; name a file by ?passfile= instead (mode 0600)": (
        "databasens adresse rummer en adgangskode; angiv i stedet en fil med ?passfile= (rettighed 0600)"
    ),
    "the address of the database says {}, which is not for it to say": (
        "databasens adresse angiver {}, som ikke hører til der"
    ),
    "the database must be made with ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0": (
        "databasen skal oprettes med ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"
    ),
    "two parties have sent a document of this id: name --party": (
        "to parter har sendt et dokument med dette id: angiv --party"
    ),
    "a checkpoint is of a log of another installation": "et kontrolpunkt hører til en anden installations log",
    "the store is not behind: it can serve as it is": "lageret mangler ikke noget: det kan bruges, som det er",
    "the database is a server's: back it up with pg_dump": (
        "databasen er en servers: tag sikkerhedskopi med pg_dump"
    ),
    "store.database is not an address": "store.database er ikke en adresse",
    "store.database is not the address of an SQLite file": "store.database er ikke adressen på en SQLite-fil",
    "the database is of another version of the gateway: the next start brings it up to date": (
        "databasen er fra en anden version af gatewayen: næste start bringer den ajour"
    ),
    "a newer version of the gateway has brought the database up to date: start that version": (
        "en nyere version af gatewayen har bragt databasen ajour: start den version"
    ),
    "the database belongs to installation {}, and the setting installation names another": (
        "databasen hører til installation {}, og indstillingen installation nævner en anden"
    ),
    "the store was continued as installation {} by bropost restore accept: the setting installation must say so": (
        "lageret er ført videre som installation {} af bropost restore accept: indstillingen installation skal sige det"
    ),
    "others may read {} in the key store; take the right from them (chmod go=)": (
        "andre må læse {} i nøglelageret; fratag dem retten (chmod go=)"
    ),
    "a trust store needs roots and policies": "et tillidslager kræver rødder og politikker",
    "a root certificate is not issued by itself": "et rodcertifikat er ikke udstedt af sig selv",
    "the certificate does not belong to the private key": "certifikatet hører ikke til den private nøgle",
    "a signing key is neither RSA nor P-256": "en signeringsnøgle er hverken RSA eller P-256",
    "revocation.urls names no address": "revocation.urls nævner ingen adresse",
    "a next key needs its key, its chain and its time": (
        "en kommende nøgle kræver sin nøgle, sin certifikatkæde og sit tidspunkt"
    ),
    "a next key is another organisation's": "en kommende nøgle er en anden organisations",
    "a next key does not hold when it takes over": "en kommende nøgle gælder ikke, når den tager over",
    "the time from which the new certificate counts": "tidspunktet, fra hvilket det nye certifikat gælder",
    "the time at which the key takes over": "tidspunktet, hvor nøglen tager over",
    "the old certificate would end before the new one counts": (
        "det gamle certifikat ville ophøre, før det nye gælder"
    ),
    "a checkpoint key": "en kontrolpunktsnøgle",
    "a checkpoint key is not Ed25519": "en kontrolpunktsnøgle er ikke Ed25519",
    "a key encryption key": "en nøglekrypteringsnøgle",
    "a private key cannot be read with its password": "en privat nøgle kan ikke læses med sin adgangskode",
}
ONLY_IN_ENGLISH: Final = "se den engelske tekst"
_BLANK: Final = re.compile(r"(\{\*?\})")
_OPEN: Final = {"{}": r"(\S+)", "{*}": "(.+)"}
_NAME: Final = re.compile(r"\S*")


def in_danish(fact: str) -> str:
    """The fact as it stands in a Danish sentence: the Danish phrase for an English one, and a name as it is.

    What is neither, such as the words of a library, is left to the English sentence.
    """
    known = PHRASES.get(fact)
    if known is not None:
        return known
    for pattern, danish in _patterns():
        if found := pattern.fullmatch(fact):
            return _filled(danish, found.groups())
    if _NAME.fullmatch(fact):
        return fact
    name, colon, rest = fact.partition(": ")
    return f"{name}: {in_danish(rest)}" if colon and _NAME.fullmatch(name) else ONLY_IN_ENGLISH


def _filled(danish: str, names: tuple[str, ...]) -> str:
    """The Danish phrase with its names in; what stood for a name may be a phrase itself."""
    words = iter(names)
    return _BLANK.sub(lambda _: PHRASES.get(word := next(words), word), danish)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """What phrases with names in them match, with their Danish; the most definite one first."""
    with_names = [english for english in PHRASES if _BLANK.search(english)]
    return tuple(
        (re.compile(_pattern(english)), PHRASES[english])
        for english in sorted(with_names, key=len, reverse=True)
    )


def _pattern(english: str) -> str:
    return "".join(_OPEN.get(part) or re.escape(part) for part in _BLANK.split(english))
