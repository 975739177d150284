"""Our own words, Danish and English, for each way in which a document can break its schema.

They say what is expected, from the schema's own labels and explanations, and never quote what was found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.xmlcore.declarations import Declarations, ElementDeclaration
from gateway.xmlcore.namespaces import XSD

VALUES_SHOWN: Final = 20  # of an enumeration; longer lists are cut, the schema has them all

# What libxml2 calls each violation (its xmlSchemaValidError), and the code that callers see.
CODES: Final = {
    "SCHEMAV_CVC_PATTERN_VALID": "facet-pattern",
    "SCHEMAV_CVC_LENGTH_VALID": "facet-length",
    "SCHEMAV_CVC_MINLENGTH_VALID": "facet-min-length",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "facet-max-length",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "facet-min-inclusive",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "facet-max-inclusive",
    "SCHEMAV_CVC_MINEXCLUSIVE_VALID": "facet-min-exclusive",
    "SCHEMAV_CVC_MAXEXCLUSIVE_VALID": "facet-max-exclusive",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "facet-total-digits",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "facet-fraction-digits",
    "SCHEMAV_CVC_ENUMERATION_VALID": "facet-enumeration",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "datatype",
    "SCHEMAV_ELEMENT_CONTENT": "element-unexpected",  # or element-missing, or element-namespace
    "SCHEMAV_CVC_COMPLEX_TYPE_2_1": "content-not-empty",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_2": "element-in-value",
    "SCHEMAV_CVC_TYPE_3_1_2": "element-in-value",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "text-between-elements",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "attribute-unexpected",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "attribute-unexpected",
    "SCHEMAV_CVC_TYPE_3_1_1": "attribute-unexpected",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "attribute-missing",
    "SCHEMAV_CVC_ELT_1": "root-unknown",
    "SCHEMAV_CVC_ELT_3_1": "nil",
    "SCHEMAV_CVC_ELT_4_1": "type-override",
    "SCHEMAV_CVC_ELT_4_2": "type-override",
    "SCHEMAV_CVC_ELT_4_3": "type-override",
}
OTHER: Final = "schema"  # libxml2 knows more; none of them can be met in a schema of the house style

_FACETS: Final = {
    "facet-length": "length",
    "facet-min-length": "minLength",
    "facet-max-length": "maxLength",
    "facet-min-inclusive": "minInclusive",
    "facet-max-inclusive": "maxInclusive",
    "facet-min-exclusive": "minExclusive",
    "facet-max-exclusive": "maxExclusive",
    "facet-total-digits": "totalDigits",
    "facet-fraction-digits": "fractionDigits",
}

# {label} names the element, {limit} is the facet, {hint} explains the type, {expected} lists names or values.
WORDS: Final = {
    "facet-pattern": (
        '"{label}" har ikke den rette form. Her ventes: {hint}',
        '"{label}" does not have the right form. Expected: {hint}',
    ),
    "facet-length": (
        '"{label}" har ikke den rette længde. Her ventes: {hint}',
        '"{label}" does not have the right length. Expected: {hint}',
    ),
    "facet-min-length": (
        '"{label}" er tom eller for kort. Skriv mindst {limit} tegn.',
        '"{label}" is empty or too short. Write at least {limit} characters.',
    ),
    "facet-max-length": (
        '"{label}" er for lang. Skriv højst {limit} tegn.',
        '"{label}" is too long. Write at most {limit} characters.',
    ),
    "facet-min-inclusive": (
        '"{label}" er for lille. Det mindste tilladte er {limit}.',
        '"{label}" is too small. The least allowed is {limit}.',
    ),
    "facet-max-inclusive": (
        '"{label}" er for stor. Det største tilladte er {limit}.',
        '"{label}" is too great. The most allowed is {limit}.',
    ),
    "facet-min-exclusive": (
        '"{label}" er for lille. Værdien skal være over {limit}.',
        '"{label}" is too small. It must be above {limit}.',
    ),
    "facet-max-exclusive": (
        '"{label}" er for stor. Værdien skal være under {limit}.',
        '"{label}" is too great. It must be below {limit}.',
    ),
    "facet-total-digits": (
        '"{label}" har for mange cifre. Skriv højst {limit}.',
        '"{label}" has too many digits. Write at most {limit}.',
    ),
    "facet-fraction-digits": (
        '"{label}" har for mange decimaler. Skriv højst {limit}.',
        '"{label}" has too many decimals. Write at most {limit}.',
    ),
    "facet-enumeration": (
        '"{label}" er ikke en kode fra listen. Vælg en af: {expected}.',
        '"{label}" is not a code of the list. Choose one of: {expected}.',
    ),
    "datatype": (
        '"{label}" kan ikke læses. Her ventes: {hint}',
        '"{label}" cannot be read. Expected: {hint}',
    ),
    "element-unexpected": (
        '"{label}" må ikke stå her. Her kan stå: {expected}. Se rækkefølgen i skemaet.',
        '"{label}" must not stand here. Here may stand: {expected}. See the order in the schema.',
    ),
    "element-missing": (
        'Der mangler noget i "{label}". Tilføj: {expected}.',
        'Something is missing in "{label}". Add: {expected}.',
    ),
    "element-namespace": (
        '"{label}" står i et forkert navnerum. Brug det navnerum, som skemaet angiver.',
        '"{label}" stands in a wrong namespace. Use the one that the schema gives.',
    ),
    "element-in-value": (
        '"{label}" må kun indeholde en værdi. Fjern elementerne i den.',
        '"{label}" may hold a value only. Remove the elements in it.',
    ),
    "content-not-empty": (
        '"{label}" skal være tom. Fjern indholdet.',
        '"{label}" must be empty. Remove the content.',
    ),
    "text-between-elements": (
        '"{label}" må kun indeholde elementer. Fjern teksten mellem dem.',
        '"{label}" may hold elements only. Remove the text between them.',
    ),
    "attribute-unexpected": (
        '"{label}" har en attribut, som ikke findes i skemaet. Fjern den.',
        '"{label}" has an attribute that the schema does not know. Remove it.',
    ),
    "attribute-missing": (
        '"{label}" mangler en attribut. Tilføj: {expected}.',
        '"{label}" lacks an attribute. Add: {expected}.',
    ),
    "root-unknown": (
        "Rodelementet kendes ikke her. Her kan stå: {expected}.",
        "The root element is not known here. Here may stand: {expected}.",
    ),
    "nil": (
        '"{label}" kan ikke være nil. Udelad elementet, eller giv det en værdi.',
        '"{label}" cannot be nil. Leave the element out, or give it a value.',
    ),
    "type-override": (
        '"{label}" må ikke skifte type med xsi:type. Fjern attributten.',
        '"{label}" must not change its type by xsi:type. Remove the attribute.',
    ),
    OTHER: (
        '"{label}" overholder ikke skemaet. Sammenhold elementet med skemaet.',
        '"{label}" breaks the schema. Compare the element with the schema.',
    ),
}

_BUILT_IN: Final = {
    "boolean": ("true eller false.", "true or false."),
    "base64Binary": ("bytes som base64.", "octets as base64."),
    "dateTime": (
        "dato og klokkeslæt, fx 2026-08-05T09:12:00Z.",
        "date and time, such as 2026-08-05T09:12:00Z.",
    ),
    "date": ("en dato, fx 2026-08-10.", "a date, such as 2026-08-10."),
    "int": ("et helt tal.", "a whole number."),
}
_AS_SCHEMA: Final = ("det, som skemaet beskriver.", "what the schema describes.")
_UNKNOWN_ELEMENT: Final = ("Et ukendt element", "An unknown element")
_NOTHING: Final = ("intet mere", "nothing more")


@dataclass(frozen=True)
class Subject:
    """What a violation is about: an element or one of its attributes, as far as the schema knows it."""

    name: str  # as shown where the schema gives no label
    declaration: ElementDeclaration | None
    attribute: str | None = None


def explain(
    code: str, subject: Subject, declared: Declarations, expected: tuple[str, ...] = ()
) -> tuple[str, str]:
    """What is expected there, Danish first. `expected` are names of the schema, never text of the document."""
    type_name = _type_name(subject, declared)
    limit = declared.facet(type_name, _FACETS[code]) if code in _FACETS else None
    hints = _hints(type_name, declared)
    if code == "facet-enumeration":
        expected = tuple(value.text for value in declared.values(type_name))
    named = _cut(expected)
    return (
        _fill(WORDS[code][0], _label(subject, 0), limit, hints[0], named or _NOTHING[0]),
        _fill(WORDS[code][1], _label(subject, 1), limit, hints[1], named or _NOTHING[1]),
    )


def _fill(words: str, label: str, limit: str | None, hint: str, expected: str) -> str:
    return words.format(label=label, limit=limit or "?", hint=hint, expected=expected)


def _label(subject: Subject, language: int) -> str:
    if subject.attribute is not None or subject.declaration is None:
        name = subject.attribute or subject.name
        return _UNKNOWN_ELEMENT[language] if name == "*" else name
    return subject.declaration.texts.labels[language] or subject.name


def _type_name(subject: Subject, declared: Declarations) -> str:
    if subject.declaration is None:
        return ""
    if subject.attribute is None:
        return subject.declaration.type_name
    owner = declared.types.get(subject.declaration.type_name)
    return owner.attributes.get(subject.attribute, "") if owner else ""


def _hints(type_name: str, declared: Declarations) -> tuple[str, str]:
    """What to write, Danish first: the schema's explanation of the type, lower case as a continuation."""
    own = declared.types.get(type_name)
    if own is not None and own.texts.danish:
        return own.texts.explanations
    name = etree.QName(type_name) if type_name else None
    if name is not None and name.namespace == XSD:
        return _BUILT_IN.get(name.localname, _AS_SCHEMA)
    return _AS_SCHEMA


def _cut(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:VALUES_SHOWN])
    return f"{shown}, ..." if len(names) > VALUES_SHOWN else shown
