"""Identifiers as a tree of owners; pins, vetoes and names given on screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from drive import Driver, drive
from reader import FakeReader
from shop import make_shop

from reconstruct.configuration import read_configuration
from reconstruct.errors import ConfigurationError
from reconstruct.options import Pin, Pins
from reconstruct.tui.bindings import GROUPS, known_ids, read_keymap
from reconstruct.tui.screens.identifiers import grow_tree
from reconstruct.tui.screens.menu import letters_for
from reconstruct.tui.screens.rules import rule_rows
from reconstruct.tui.widgets.table import FactTable


def types(*pairs: tuple[str, str | None]) -> list[dict[str, Any]]:
    return [{"type": name, "role": "object", "owner": owner} for name, owner in pairs]


def test_types_hang_below_their_owners() -> None:
    rows = grow_tree(
        types(("order", "session"), ("parcel", "order"), ("session", None), ("bill", "order"), ("lone", None))
    )
    assert [(row["branches"], row["type"]) for row in rows] == [
        ("", "session"), ("└╴", "order"), ("  ├╴", "parcel"), ("  └╴", "bill"), ("", "lone"),
    ]  # fmt: skip


def test_circles_of_owners_are_cut_and_nothing_is_lost() -> None:
    rows = grow_tree(types(("a", "b"), ("b", "a"), ("c", "c"), ("d", "unheard of")))
    assert sorted(row["type"] for row in rows) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["r", "c"], Pins((Pin("request", None, "customer"),))),
        (["w", "0"], Pins((Pin("request", None, None, ""),))),
        (["w", "o"], Pins((Pin("request", None, None, "order"),))),
        (["i"], Pins((), ("column:request_id", "key:rid"))),
        (["c", *["backspace"] * 7, *"call", "enter"], Pins((Pin("call", ("column:request_id", "key:rid")),))),
    ],
    ids=["role", "nothing's", "owner", "ignore", "name"],
)
def test_a_decision_is_written(tmp_path: Path, keys: list[str], expected: Pins) -> None:
    async def script(driver: Driver) -> None:
        driver.reader.configuration = tmp_path / "reconstruct.toml"
        await driver.press("6", "j", "enter")
        assert "request: say what it is" in driver.text
        await driver.press(*keys)
        assert "Written to" in driver.text

    drive(FakeReader(make_shop(5)), script)
    assert read_configuration(tmp_path / "reconstruct.toml").pins == expected


def test_a_decision_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "reconstruct.toml"
    path.write_text('[plan]\nignore = ["key:rid"]  # noise\n', encoding="utf-8")

    async def script(driver: Driver) -> None:
        driver.reader.configuration = path
        await driver.press("6", "j", "enter", "u")

    drive(FakeReader(make_shop(5)), script)
    assert read_configuration(path).pins == Pins()


def test_a_decision_that_cannot_be_written_is_a_notice(tmp_path: Path) -> None:
    async def script(driver: Driver) -> None:
        driver.reader.configuration = tmp_path / "gone" / "reconstruct.toml"
        await driver.press("6", "enter", "i")
        assert "cannot write" in driver.text

    drive(FakeReader(make_shop(5)), script)


def test_rules_with_what_was_measured() -> None:
    summary = {
        "joins": {"session": {"a": {"events": 5, "confidence": 0.9, "sure": 5}, "b": {"events": 9, "confidence": 0.5, "sure": 0}},
                  "object": {"a": {"events": 1, "confidence": 1.0, "sure": 1}}},
        "visits": {"rules": {"a": {"confidence": 0.9, "measured": True, "trials": 7}, "c": {"confidence": 0.8, "measured": False}}},
    }  # fmt: skip
    rows = rule_rows(summary)
    assert [(row["rule"], row["to"], row.get("trials")) for row in rows] == [
        ("b", "sessions", None), ("a", "sessions", 7), ("a", "objects", None), ("c", "sessions", None),
    ]  # fmt: skip
    assert rule_rows({}) == rule_rows({"joins": "odd", "visits": [1]}) == []


def test_letters_are_each_their_own() -> None:
    names = ["order", "offer", "order_2", "東京", "o", "", *(f"type_{n}" for n in range(60))]
    letters = [letter for letter, _ in letters_for(names) if letter]
    assert len(letters) == len(set(letters)) > 30 and "q" not in letters


def test_keys_are_given_by_id_in_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "reconstruct.toml"
    path.write_text(
        '[interface]\nascii = true\n[interface.keys]\n"move.down" = "m, down"\n"mov.up" = "u"\n', encoding="utf-8"
    )
    look = read_configuration(path).look
    assert look.ascii is True
    keymap, wrong = read_keymap(look.keys)
    assert keymap == {"move.down": "m,down"}
    assert wrong == ["no action is called mov.up: did you mean move.up?"]
    assert set(known_ids()) == {binding.id for _, group in GROUPS for binding in group}


@pytest.mark.parametrize(
    "text",
    [
        "interface = 1",
        "[interface]\nascii = 1",
        "[interface]\ntheme = 2",
        "[interface]\nkeys = 3",
        "[interface]\ntheem = 'x'",
    ],
)
def test_a_wrong_interface_section_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reconstruct.toml"
    path.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="interface"):
        read_configuration(path)


def test_a_type_is_told_by_its_label_and_pinned_by_its_name(tmp_path: Path) -> None:
    class Labelled(FakeReader):
        def identifiers(self) -> list[dict[str, Any]]:
            told = {"role": "sub-object", "slots": ["text:order_id"], "distinct": 4, "owner": "order", "why": []}
            return [*super().identifiers(), {"type": "order_2", "label": "order_id", **told}]

    async def script(driver: Driver) -> None:
        driver.reader.configuration = tmp_path / "reconstruct.toml"
        await driver.press("6", "G")
        table = driver.app.screen.query_one(FactTable)
        table.point(next(place for place, row in enumerate(table.rows) if row["type"] == "order_2"))
        await driver.settle()
        assert "╴order_id " in driver.text
        assert "in queries and reconstruct.toml order_2" in driver.text
        await driver.press("enter")
        assert "order_id (order_2): say what it is" in driver.text
        await driver.press("r", "r")

    drive(Labelled(make_shop(5)), script)
    (pin,) = read_configuration(tmp_path / "reconstruct.toml").pins.types
    assert pin.type == "order_2"
