"""The annotations of the institution's notices (all but that of dropout risk) are those of their field tables."""

from __future__ import annotations

from typing import Final

import pytest

from gateway.xmlcore.annotations import document_annotations

# Each element of a body, in the order of the schema: its category, basis set, minimum and certainty.
TABLES: Final = {
    "ApplicationNotice": """
        EventDate education coop P S
        DecisionExpected education coop - S
        Education/Name education coop P S
        Contact/Role staff contact - D
        Note freetext coop - D
    """,
    "AdmissionNotice": """
        EventDate education admit S S
        Education/Name education admit S S
        Contact/Role staff contact S S
        OrderKnown order order - D
        LetterWanted technical any - D
    """,
    "AbsenceNotice": """
        PeriodFrom absence coop P S
        PeriodTo absence coop P S
        Education/Name absence coop P S
        AbsencePercent absence coop P D
        Trend absence coop - D
        SchoolAction/Code risk coop - S
        ActionWanted/Code risk coop - S
        Contact/Role staff contact P S
        Note freetext coop - S
    """,
    "InterruptionNotice": """
        EventDate education event S S
        Education/Name education event S S
        Reason education event S S
        LocalReason/System education event - S
        LocalReason/Value education event - S
        RiskDocumentId technical any - D
        NextKnown plan coop - S
        ActionWanted/Code risk event - S
        Contact/Role staff contact P S
    """,
    "CompletionNotice": """
        EventDate education event S S
        Education/Name education event S S
        Outcome education event P S
        NextKnown plan coop - D
        Contact/Role staff contact - D
    """,
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_element_of_a_notice_is_annotated_as_its_field_table_says(kind: str) -> None:
    found = document_annotations()
    for row in TABLES[kind].strip().splitlines():
        path, *told = row.split()
        said = found.of(f"/Document/{kind}/{path}")
        assert [said.category.value, said.basis.value, said.minimum.value, said.certainty.value] == told, path


@pytest.mark.parametrize("kind", TABLES)
def test_the_elements_of_a_notice_stand_in_the_order_of_its_field_table(kind: str) -> None:
    start = f"/Document/{kind}/"
    declared = [path.removeprefix(start) for path in document_annotations().by_path if path.startswith(start)]
    told = [row.split()[0].partition("/")[0] for row in TABLES[kind].strip().splitlines()]
    assert list(dict.fromkeys(path.partition("/")[0] for path in declared)) == list(dict.fromkeys(told))
