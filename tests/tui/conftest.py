"""The interface's tests share a fictitious shop and a way to drive the app; both lie beside them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@pytest.fixture
def golden_screen(golden: Callable[[Path, str], None]) -> Callable[[str, str], None]:
    """``golden_screen(name, text)`` holds a screen against ``golden/name.txt``."""

    def compare(name: str, text: str) -> None:
        golden(HERE / "golden" / f"{name}.txt", text)

    return compare
