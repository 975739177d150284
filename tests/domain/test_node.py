"""The plain tree: finding, walking, and naming what is repeated."""

from __future__ import annotations

from gateway.domain.node import Node, child_paths

LEAF = Node(
    "Role", "/Document/Header/Recipient/Attention[2]/Role", 7, "TEACHER", attributes=(("system", "UDD"),)
)
ATTENTION = Node("Attention", "/Document/Header/Recipient/Attention[2]", 6, children=(LEAF,))
FIRST = Node("Attention", "/Document/Header/Recipient/Attention[1]", 5)
RECIPIENT = Node("Recipient", "/Document/Header/Recipient", 4, children=(FIRST, ATTENTION))


def test_children_that_share_a_name_are_numbered_and_others_are_not() -> None:
    paths = child_paths("/Document/Header", ("Purpose", "Nonce", "Purpose"))
    assert paths == ("/Document/Header/Purpose[1]", "/Document/Header/Nonce", "/Document/Header/Purpose[2]")


def test_the_schema_path_has_no_positions() -> None:
    assert LEAF.schema_path == "/Document/Header/Recipient/Attention/Role"


def test_every_element_at_a_path_is_found_in_order() -> None:
    assert RECIPIENT.find_all("Attention") == (FIRST, ATTENTION)
    assert RECIPIENT.find("Attention") is FIRST
    assert RECIPIENT.find("Attention/Role") is LEAF
    assert RECIPIENT.text_of("Attention/Role") == "TEACHER"
    assert not RECIPIENT.has("Attention/Unit")
    assert RECIPIENT.text_of("Attention/Unit") is None


def test_leaves_are_the_elements_without_elements_and_blocks_those_with() -> None:
    assert RECIPIENT.leaves() == [FIRST, LEAF]
    assert RECIPIENT.blocks() == [RECIPIENT, ATTENTION]


def test_an_attribute_is_read_or_absent() -> None:
    assert LEAF.attribute("system") == "UDD"
    assert LEAF.attribute("listVersion") is None


def test_a_node_does_not_show_its_text() -> None:
    assert "TEACHER" not in repr(RECIPIENT)
