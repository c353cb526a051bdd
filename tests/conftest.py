"""What every test stands on: one time zone, no traces of the machine it runs on, goldens that rewrite themselves."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from reconstruct.results import Reconstruction

# A zone with daylight saving time: code that confuses local time and UTC fails here, not at a user's.
os.environ["TZ"] = "America/New_York"
time.tzset()

# Shared machines stall for seconds; a test that is slow there is not wrong.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


sys.path.insert(0, str(Path(__file__).parent))  # command.py, which several tests share


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite golden files with what the code gives now")


def pytest_configure(config: pytest.Config) -> None:
    """The user's cache and configuration are elsewhere for the whole run, child processes included."""
    home = Path(tempfile.mkdtemp(prefix="reconstruct-tests-"))
    os.environ["RECONSTRUCT_CACHE_DIR"] = str(home / "cache")
    os.environ["RECONSTRUCT_CONFIG_DIR"] = str(home / "config")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """``golden(path, text)`` holds ``text`` against the golden file at ``path``; with ``--update`` it writes it there."""
    update: bool = request.config.getoption("--update")

    def compare(path: Path, text: str) -> None:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        assert path.is_file(), f"{path.name} is missing: run the test with --update and read what it wrote"
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def shop() -> Iterator[Reconstruction]:
    """The bundled shop, for tests that only read it: reconstructing it takes seconds."""
    from reconstruct.options import Options
    from reconstruct.pipeline import open_paths

    results = open_paths([Path(__file__).parent.parent / "samples" / "shop" / "logs"], Options(cache=False, workers=1))
    yield results
    results.close()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A directory with an access log of 29 lines."""
    from command import ACCESS

    directory = tmp_path / "logs"
    directory.mkdir()
    (directory / "access.log").write_text("".join(ACCESS.format(n=n) for n in range(1, 30)), encoding="utf-8")
    return directory
