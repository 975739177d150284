"""What the gateway knows beside its store: the schema's annotations, dated code lists, word lists, registers."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from gateway.domain.annotation import Annotations, Basis, BasisSet, Category
from gateway.domain.codes import CodeList, DataCategory, DatedCode, EducationCodeSystem, Provision
from gateway.domain.identifiers import PartyId
from gateway.domain.lint_words import WordLists
from gateway.domain.policy import Policy
from gateway.xmlcore import code_lists, resources
from gateway.xmlcore.annotations import document_annotations
from gateway.xmlcore.schema import compile_all


@dataclass(frozen=True)
class Knowledge:
    """What judgements rest on. Without an `institutions` register, the registered parties are the register."""

    annotations: Annotations
    basis_sets: Mapping[Basis, BasisSet]
    provisions: CodeList[Provision]
    categories: Mapping[Category, DataCategory]
    municipalities: CodeList[DatedCode]
    institutions: CodeList[DatedCode] | None
    education_codes: CodeList[EducationCodeSystem]
    word_lists: WordLists
    replacement_numbers_allowed: bool  # CPR replacement numbers: never in production

    def policy(self, *, cooperation_decided: bool) -> Policy:
        """The policy of the legal-basis gate, with what the sender's data protection officer decided."""
        return Policy(self.annotations, self.basis_sets, self.provisions, cooperation_decided)

    def institutions_with(self, *parties: PartyId) -> CodeList[DatedCode]:
        """The register of institutions, or where none is loaded, these registered parties."""
        if self.institutions is not None:
            return self.institutions
        registered = [party.unit for party in parties if not party.is_municipality]
        return CodeList(
            "institutions", tuple(DatedCode(unit, unit, unit, date.min, None) for unit in registered)
        )

    @cached_property
    def schema_sha256(self) -> str:
        """SHA-256 over the document schema's files in the order of their names, in hexadecimal."""
        digest = hashlib.sha256()
        for name in sorted(name for name in resources.names() if name.startswith("document/")):
            digest.update(name.encode() + b"\x00" + resources.read(name))
        return digest.hexdigest()


def load_knowledge(
    *, municipalities: bytes | None, institutions: bytes | None, replacement_numbers_allowed: bool
) -> Knowledge:
    """Return what comes with the product, with registers (TOML) in place of its own where they are given.

    Also makes the schemas, which must happen before there is a second thread.
    """
    compile_all()
    return Knowledge(
        annotations=document_annotations(),
        basis_sets=code_lists.basis_sets(),
        provisions=code_lists.provisions(),
        categories=code_lists.data_categories(),
        municipalities=code_lists.municipalities_of(municipalities)
        if municipalities
        else code_lists.municipalities(),
        institutions=code_lists.institutions_of(institutions) if institutions else None,
        education_codes=code_lists.education_code_systems(),
        word_lists=WordLists.from_mapping(tomllib.loads(resources.read("codes/lint_words.toml").decode())),
        replacement_numbers_allowed=replacement_numbers_allowed,
    )
