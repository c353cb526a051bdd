"""What a user installs: the wheel alone, in a clean environment, run where there is no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.wheel

ACCESS_LOG = "".join(
    f'192.0.2.{i % 3} - - [14/Nov/2026:09:{i:02d}:02 +0000] "GET /product/{i} HTTP/1.1" 200 512'
    f' "https://www.example.com/" "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"\n'
    for i in range(60)
)

DATA_SUFFIXES = {".lark", ".toml", ".tcss", ".sql", ".json", ".typed"}


def run(*command: str | Path, cwd: Path) -> str:
    """Standard output of a command that must succeed, away from this checkout and its environment."""
    clean = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
    }
    ran = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, f"{ran.args}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as a release is: the sdist first, the wheel from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin directory of an environment that holds the wheel and what it depends on."""
    home = tmp_path_factory.mktemp("clean")
    venv.create(home / "env", with_pip=True)
    run(home / "env/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=home)
    return home / "env/bin"


def test_every_data_file_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "reconstruct", "grammars"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = {
        f"reconstruct/{name}" if name.startswith("grammars/") else name
        for name in tracked.stdout.splitlines()
        if Path(name).suffix in DATA_SUFFIXES | {".py"}
    }
    assert expected - names == set()
    assert any(name.endswith(".lark") for name in expected)
    assert {"reconstruct/py.typed"} <= names
    assert not any(name.startswith(("tests/", "grammars/", "bench/", "samples/")) for name in names)


def test_it_exports_journeys(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/access.log").write_text(ACCESS_LOG)
    run(installed / "reconstruct", "export", "logs", "-o", "out.json", cwd=tmp_path)
    document = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert document["schema"] == "reconstruct.journeys"
    (source,) = document["sources"]
    assert (source["path"], source["lines"], source["events"]) == ("access.log", 60, 60)
    assert document["journeys"]


OF_EXTRAS = ("reconstruct.tui.web",)
"""Modules that need what only an extra installs; the command that imports one says which (tests/test_serve.py)."""


def test_every_module_imports_without_the_tools_of_development(installed: Path, tmp_path: Path) -> None:
    code = (
        "import importlib, pkgutil, reconstruct\n"
        "found = pkgutil.walk_packages(reconstruct.__path__, 'reconstruct.')\n"
        f"names = [module.name for module in found if '__main__' not in module.name and module.name not in {OF_EXTRAS}]\n"
        "[importlib.import_module(name) for name in names]\n"
        "print(reconstruct.__file__, len(names))"
    )
    where, count = run(installed / "python", "-c", code, cwd=tmp_path).split()
    assert Path(where).is_relative_to(installed.parent)
    assert int(count) > 20


def test_it_says_its_version(installed: Path, tmp_path: Path) -> None:
    shown = run(installed / "python", "-m", "reconstruct", "--version", cwd=tmp_path)
    assert shown.split()[-1] in (ROOT / "reconstruct/__init__.py").read_text("utf-8")
