"""Decisions of the user in ``reconstruct.toml``: one thing is changed, everything else stays, comments too."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconstruct.amending import Change, amend, forget_type, ignore_slots, rename_type, set_owner, set_role
from reconstruct.errors import ConfigurationError
from reconstruct.options import Pin

BEFORE = """\
# two days of the shop
timezone = "+01:00"  # winter

[plan]
ignore = ["query:ref"]   # marketing
[plan.types.order]
role = "object"      # yes

[sources]
exclude = ["archive"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "reconstruct.toml"
    place.write_text(BEFORE, encoding="utf-8")
    return place


def test_a_file_is_begun(tmp_path: Path) -> None:
    place = tmp_path / "reconstruct.toml"
    assert amend(place, set_role("basket", "resource")).pins.types == (Pin("basket", None, "resource", None),)
    assert place.read_text("utf-8") == '[plan.types.basket]\nrole = "resource"\n'
    assert [each.name for each in tmp_path.iterdir()] == ["reconstruct.toml"], "nothing is left beside it"


@pytest.mark.parametrize(
    ("change", "types", "ignored"),
    [
        (set_role("order", "batch"), (Pin("order", None, "batch"),), ("query:ref",)),
        (set_owner("order", ""), (Pin("order", None, "object", ""),), ("query:ref",)),
        (ignore_slots(["text:refund", "query:ref"]), (Pin("order", None, "object"),), ("query:ref", "text:refund")),
        (rename_type("order", "sale", ["key:order"]), (Pin("sale", ("key:order",), "object"),), ("query:ref",)),
        (forget_type("order", ["query:ref"]), (), ()),
    ],
    ids=["role", "owner", "ignore", "rename", "forget"],
)
def test_one_thing_is_changed(path: Path, change: Change, types: tuple[Pin, ...], ignored: tuple[str, ...]) -> None:
    found = amend(path, change)
    assert (found.pins.types, found.pins.ignore) == (types, ignored)
    assert (found.timezone_s, found.exclude) == (3600, ("archive",))
    text = path.read_text("utf-8")
    assert all(comment in text for comment in ("# two days of the shop", "# winter", "# marketing"))


def test_a_renamed_owner_stays_the_owner(path: Path) -> None:
    amend(path, set_owner("payment", "order"))
    assert Pin("payment", None, None, "sale") in amend(path, rename_type("order", "sale", ["key:order"])).pins.types


@pytest.mark.parametrize("text", ["plan = 3\n", "[plan\n", '[plan]\ntypes = "none"\n'])
def test_what_would_be_wrong_is_not_written(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        amend(path, set_role("order", "object"))
    assert str(path) in caught.value.message and caught.value.hint
    assert path.read_text("utf-8") == text


def test_a_role_that_is_none_is_refused(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"plan\.types\.order\.role is no role"):
        amend(path, set_role("order", "boss"))
    assert path.read_text("utf-8") == BEFORE


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot write"):
        amend(tmp_path / "gone" / "reconstruct.toml", set_role("order", "object"))
