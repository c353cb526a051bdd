"""``reconstruct.toml``: what a user pins or vetoes for one set of logs.

    timezone = "Europe/Paris"            # zone of stamps that name none

    [formats]
    "legacy/*.log" = "combined"          # these sources are of that format, whatever they look like

    [sources]
    exclude = ["archive", "*.trace"]     # not read; listed as skipped

    [plan]
    ignore = ["query:ref"]               # places whose values identify nothing
    [plan.types.order]                   # what is said counts for what is measured; ``reconstruct plan --write`` drafts it
    role = "object"
    owner = "session"
    slots = ["key:order_id", "path:/orders/{}"]

    [interface]
    theme = "reconstruct-light"          # or one of Textual's own
    ascii = false
    [interface.keys]                     # docs/terminal.md lists the ids
    "event.next" = "n"

    [model]
    use = "parts"                        # judge visits by this model, whichever covers the data best
    [model.parts]                        # a journey model, as docs/journeys.md explains; ``plan --write`` drafts it
    title = "Spare parts"

Everything else is measured, so there need be no such file. Each error names the file, the key and the nearest key that is
known, so that a slip of the pen is not a setting silently ignored.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from reconstruct.errors import ConfigurationError
from reconstruct.options import ROLES, Forced, Look, OwnModels, Pin, Pins

CONFIGURATION = "reconstruct.toml"

UTC_NAMES = ("UTC", "Z", "GMT")
KEYS = ("formats", "model", "sources", "plan", "timezone", "interface")
SOURCE_KEYS = ("exclude",)
PLAN_KEYS = ("ignore", "types")
TYPE_KEYS = ("slots", "role", "owner")
INTERFACE_KEYS = ("theme", "ascii", "keys")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one file; all optional."""

    path: Path | None = None
    """None: there is no file"""
    formats: tuple[Forced, ...] = ()
    exclude: tuple[str, ...] = ()
    timezone_s: int | None = None
    """seconds east of UTC"""
    region: str = ""
    """of the zone database, where the zone is named by one"""
    pins: Pins = field(default_factory=Pins)
    models: OwnModels = field(default_factory=OwnModels)
    look: Look = field(default_factory=Look)


def load_configuration(paths: Iterable[Path | str], given: Path | None = None) -> Configuration:
    """The settings for logs at ``paths``: those of the file ``given``, else of ``reconstruct.toml`` in the first of the
    directories that has one, else of that in the current directory, else none.

    Raises:
        ConfigurationError: the file given does not exist, or a file is wrong.
    """
    if given is not None:
        if not given.is_file():
            raise ConfigurationError(f"no such file: {given}", path=given, hint="--config names a reconstruct.toml")
        return read_configuration(given)
    directories = [Path(path) for path in paths if Path(path).is_dir()]
    found = next((place / CONFIGURATION for place in (*directories, Path()) if (place / CONFIGURATION).is_file()), None)
    return Configuration() if found is None else read_configuration(found)


def read_configuration(path: Path) -> Configuration:
    """The settings of one file.

    Raises:
        ConfigurationError: it cannot be read, is no TOML, or says what no key or type allows.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read {path}: {error}", path=path, hint="a UTF-8 text file is wanted"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: {error}", path=path, hint="the syntax: https://toml.io") from None
    _check_keys(path, "", table, KEYS)
    sources = _table(path, "sources", table)
    _check_keys(path, "sources.", sources, SOURCE_KEYS)
    return Configuration(
        path,
        tuple(_forced(path, glob, id) for glob, id in _table(path, "formats", table).items()),
        _texts(path, "sources.exclude", sources.get("exclude", []), 'exclude = ["archive", "*.trace"]', "patterns"),
        *_zone(path, table.get("timezone")),
        _pins(path, _table(path, "plan", table)),
        _models(path, _table(path, "model", table)),
        _look(path, _table(path, "interface", table)),
    )


_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


def region_of(text: str) -> str:
    """The zone that ``read_zone`` reads, where its offset may change in the year; else nothing."""
    return "" if _OFFSET.fullmatch(text) or text.upper() in UTC_NAMES else text


def read_zone(text: str) -> int:
    """Seconds east of UTC of ``+01:00``, ``UTC`` or a name of the zone database (as it stands today).

    Raises:
        ValueError: there is no such zone.
    """
    match = _OFFSET.fullmatch(text)
    if match:
        seconds = int(match[2]) * 3600 + int(match[3]) * 60
        return -seconds if match[1] == "-" else seconds
    if text.upper() in UTC_NAMES:
        return 0
    from datetime import datetime
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        offset = datetime.now(ZoneInfo(text)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown zone {text!r}") from None
    return int(offset.total_seconds()) if offset else 0


def _check_keys(path: Path, prefix: str, table: Mapping[str, object], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            raise ConfigurationError(
                f"{path}: unknown key {prefix}{key}",
                path=path,
                key=f"{prefix}{key}",
                hint=f"did you mean {prefix}{near[0]}?"
                if near
                else f"known: {', '.join(prefix + each for each in known)}",
            )


def _table(path: Path, key: str, table: Mapping[str, object], name: str = "") -> Mapping[str, object]:
    """The section ``key``, under its last name in ``table``."""
    value = table.get(name or key, {})
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"{path}: {key} is a section, not {_kind_of(value)}", path=path, key=key, hint=f"write [{key}]"
        )
    return value


def _forced(path: Path, glob: str, id: object) -> Forced:
    if not isinstance(id, str):
        raise ConfigurationError(
            f'{path}: formats."{glob}" must be the id of a format, not {_kind_of(id)}',
            path=path,
            key=f'formats."{glob}"',
            hint='as in "legacy/*.log" = "combined"',
        )
    return Forced(glob, id, str(path))


def _texts(path: Path, key: str, value: object, example: str, kind: str = "texts") -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ConfigurationError(
            f"{path}: {key} must be a list of {kind}, not {_kind_of(value)}",
            path=path,
            key=key,
            hint=f"as in {example}",
        )
    return tuple(value)


def _pins(path: Path, plan: Mapping[str, object]) -> Pins:
    _check_keys(path, "plan.", plan, PLAN_KEYS)
    ignore = _texts(path, "plan.ignore", plan.get("ignore", []), 'ignore = ["text:id", "query:ref"]')
    types = _table(path, "plan.types", plan, "types")
    return Pins(tuple(_pin(path, name, _table(path, f"plan.types.{name}", types, name)) for name in types), ignore)


def _pin(path: Path, name: str, said: Mapping[str, object]) -> Pin:
    key = f"plan.types.{name}"
    _check_keys(path, f"{key}.", said, TYPE_KEYS)
    slots = None if "slots" not in said else _texts(path, f"{key}.slots", said["slots"], 'slots = ["key:order_id"]')
    role, owner = (_text(path, f"{key}.{each}", said.get(each)) for each in ("role", "owner"))
    if role is not None and role not in ROLES:
        near = get_close_matches(role, ROLES, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(ROLES)}"
        raise ConfigurationError(f"{path}: {key}.role is no role: {role}", path=path, key=f"{key}.role", hint=hint)
    return Pin(name, slots, role, owner)


def _look(path: Path, said: Mapping[str, object]) -> Look:
    _check_keys(path, "interface.", said, INTERFACE_KEYS)
    ascii = said.get("ascii")
    if ascii is not None and not isinstance(ascii, bool):
        message = f"{path}: interface.ascii must be true or false, not {_kind_of(ascii)}"
        raise ConfigurationError(message, path=path, key="interface.ascii", hint="ascii = true")
    keys = _table(path, "interface.keys", said, "keys")
    mapped = [(id, _text(path, f'interface.keys."{id}"', value) or "") for id, value in keys.items()]
    return Look(_text(path, "interface.theme", said.get("theme")) or "", ascii, tuple(mapped))


def _models(path: Path, said: Mapping[str, object]) -> OwnModels:
    """Journey models; what they say is checked by ``journeys.models``, which knows the words they may use."""
    use = _text(path, "model.use", said.get("use"))
    names = [name for name in said if name != "use"]
    tables = tuple(
        (name, json.dumps(_table(path, f"model.{name}", said, name), default=str, ensure_ascii=False)) for name in names
    )
    return OwnModels(path, tables, use) if said else OwnModels()


def _text(path: Path, key: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(
            f"{path}: {key} must be a text, not {_kind_of(value)}", path=path, key=key, hint='as in "order"'
        )
    return value


def _zone(path: Path, value: object) -> tuple[int | None, str]:
    if value is None:
        return None, ""
    text = value if isinstance(value, str) else ""
    try:
        return read_zone(text), region_of(text)
    except ValueError:
        shown = repr(value) if isinstance(value, str) else _kind_of(value)
        raise ConfigurationError(
            f"{path}: timezone {shown} is no zone",
            path=path,
            key="timezone",
            hint='as in timezone = "+01:00" or "Europe/Paris"',
        ) from None


def _kind_of(value: object) -> str:
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a section",
    }
    return names.get(type(value), "a date")
