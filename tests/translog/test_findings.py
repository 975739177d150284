"""What the verifier can find, in both languages."""

from __future__ import annotations

from gateway.translog.findings import Finding


def test_every_sentence_names_the_same_facts_in_both_languages() -> None:
    for finding in Finding:
        names = [
            sorted(part.split("}")[0] for part in text.split("{")[1:])
            for text in (finding.english, finding.danish)
        ]
        assert [name for name in names[0] if name != "english"] == [
            name for name in names[1] if name != "danish"
        ]
