"""Writes what a user decides into ``reconstruct.toml``: one thing is changed, comments and everything else stay as they are."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from reconstruct.configuration import Configuration, read_configuration
from reconstruct.errors import ConfigurationError

Table = MutableMapping[str, Any]
Change = Callable[[Table], None]
"""What is done to the document."""


def set_role(type: str, role: str) -> Change:
    """The type identifies that."""
    return lambda document: _type(document, type).__setitem__("role", role)


def set_owner(type: str, owner: str) -> Change:
    """The type's values belong to those of another; ``""``: to none."""
    return lambda document: _type(document, type).__setitem__("owner", owner)


def ignore_slots(slots: Sequence[str]) -> Change:
    """What stands in these places identifies nothing."""

    def change(document: Table) -> None:
        plan = _section(document, "plan")
        ignored = plan.setdefault("ignore", [])
        ignored.extend(slot for slot in slots if slot not in ignored)

    return change


def rename_type(type: str, name: str, slots: Sequence[str]) -> Change:
    """The type is called otherwise: what was said of it is said of the new name, and its places are named."""

    def change(document: Table) -> None:
        types = _section(_section(document, "plan"), "types")
        table = types.pop(type, None)
        _type(document, name)["slots"] = list(slots)
        for key, value in (table or {}).items():
            if key != "slots":
                types[name][key] = value
        for other in types.values():
            if other.get("owner") == type:
                other["owner"] = name

    return change


def forget_type(type: str, slots: Sequence[str]) -> Change:
    """Nothing is said of the type any more; what is measured counts."""

    def change(document: Table) -> None:
        plan = _section(document, "plan")
        _section(plan, "types").pop(type, None)
        ignored = plan.get("ignore", [])
        for slot in [each for each in ignored if each in set(slots)]:
            ignored.remove(slot)
        if not plan.get("types"):
            plan.pop("types", None)

    return change


def amend(path: Path, change: Change) -> Configuration:
    """Change the file, or begin it, and read it. It is replaced as a whole, and not at all when the result would be wrong.

    Raises:
        ConfigurationError: it cannot be read or written, or is wrong before or after the change.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
        change(document)
        text = tomlkit.dumps(document)
    except (OSError, UnicodeDecodeError, TOMLKitError, AttributeError, TypeError) as error:
        raise ConfigurationError(f"cannot amend {path}: {error}", path=path, hint="correct the file by hand") from None
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        configuration = read_configuration(beside)
        beside.replace(path)
    except OSError as error:
        hint = "name a file that can be written with --config"
        raise ConfigurationError(f"cannot write {path}: {error.strerror}", path=path, hint=hint) from None
    except ConfigurationError as error:
        message = error.message.replace(str(beside), str(path))
        raise ConfigurationError(message, path=path, key=error.key, hint=error.hint) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return configuration


def _section(document: Table, name: str) -> Table:
    import tomlkit

    if name not in document:
        document[name] = tomlkit.table(is_super_table=True) if name != "plan" else tomlkit.table()
    section: Table = document[name]
    return section


def _type(document: Table, type: str) -> Table:
    import tomlkit

    types = _section(_section(document, "plan"), "types")
    if type not in types:
        types[type] = tomlkit.table()
    table: Table = types[type]
    return table
