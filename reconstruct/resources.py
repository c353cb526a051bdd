"""Where data files are: grammars, vocabularies, journey models.

In a wheel the grammars lie inside the package; in a checkout they lie beside it. An editable install resolves
the package to the checkout, so the second place is what it needs. User files win over built-in ones of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parent


def grammars_directory() -> Path:
    """The directory of built-in grammars (``formats/``, ``layouts/``, ``common.lark``)."""
    inside = PACKAGE / "grammars"
    return inside if inside.is_dir() else PACKAGE.parent / "grammars"


def grammar_directories(places: Iterable[Path | str]) -> tuple[str, ...]:
    """Where grammars lie in a project: those of the directories, and of ``formats/`` in them, that hold ``*.lark`` files."""
    directories = [place for place in map(Path, places) if place.is_dir()]
    found = [each for place in directories for each in (place, place / "formats") if any(each.glob("*.lark"))]
    return tuple(dict.fromkeys(str(each.resolve()) for each in found))


def vocabulary_directory() -> Path:
    """The directory of built-in vocabularies (TOML)."""
    return PACKAGE / "vocabulary"


def models_directory() -> Path:
    """The directory of built-in journey models (TOML)."""
    return PACKAGE / "models"


def user_config_directory() -> Path:
    """The user's configuration directory; ``RECONSTRUCT_CONFIG_DIR`` replaces it (tests, odd homes)."""
    given = os.environ.get("RECONSTRUCT_CONFIG_DIR")
    if given:
        return Path(given)
    import platformdirs  # 9 ms, and most runs never ask

    return platformdirs.user_config_path("reconstruct", appauthor=False)


def state_directory() -> Path:
    """What the interface remembers for the user; ``RECONSTRUCT_STATE_DIR`` replaces it."""
    given = os.environ.get("RECONSTRUCT_STATE_DIR")
    if given:
        return Path(given)
    import platformdirs

    return platformdirs.user_state_path("reconstruct", appauthor=False)


def cache_directory() -> Path:
    """The user's cache directory; ``RECONSTRUCT_CACHE_DIR`` replaces it. Everything in it may be deleted at any time."""
    given = os.environ.get("RECONSTRUCT_CACHE_DIR")
    if given:
        return Path(given)
    import platformdirs

    return platformdirs.user_cache_path("reconstruct", appauthor=False)
