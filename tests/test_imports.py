"""What each command loads, seen from outside: a list of modules never depends on how busy the machine is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"lark", "orjson", "textual", "pyarrow", "duckdb", "numpy"}

ACCESS_LOG = "".join(
    f'192.0.2.{i % 5} - - [14/Nov/2026:09:{i:02d}:02 +0000] "GET /product/{i} HTTP/1.1" 200 512 "-" "Mozilla/5.0"\n'
    for i in range(60)
)

WATCH = """
import json, sys, traceback
sys.argv = json.loads(sys.argv[1])
code = 0
try:
    exec(sys.argv.pop(0))
except SystemExit as exit:
    code = exit.code or 0
except BaseException:
    code = traceback.format_exc()
print(json.dumps([code, sorted({name.partition(".")[0] for name in sys.modules})]), file=sys.stderr)
"""

RUN = "from reconstruct.cli import main; sys.argv.insert(0, 'reconstruct'); sys.exit(main())"


def load(statement: str, *arguments: str) -> set[str]:
    """Top-level modules that a new interpreter has loaded after ``statement``, which must not fail."""
    command = [sys.executable, "-c", WATCH, json.dumps([statement, *arguments])]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    code, modules = json.loads(ran.stderr.splitlines()[-1])
    assert code == 0, f"{code}\n{ran.stderr}"
    return set(modules)


@pytest.fixture
def logs(tmp_path: Path) -> str:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "access.log").write_text(ACCESS_LOG)
    return str(tmp_path / "logs")


@pytest.mark.parametrize("module", ["reconstruct", "reconstruct.cli", "reconstruct.errors", "reconstruct.resources"])
def test_importing_the_package_loads_nothing_heavy(module: str) -> None:
    assert load(f"import {module}") & HEAVY == set()


def test_reading_logs_needs_no_tables() -> None:
    assert load("import reconstruct.sources") & HEAVY == set()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["export", "--help"], ["formats", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert load(RUN, *arguments) & HEAVY == set()


@pytest.mark.parametrize("command", ["export", "summary", "events", "plan"])
def test_commands_that_write_never_load_the_interface(logs: str, tmp_path: Path, command: str) -> None:
    output = ["-o", str(tmp_path / "out.json")] if command == "export" else []
    loaded = load(RUN, command, logs, *output)
    assert "textual" not in loaded
    assert "duckdb" in loaded or command == "events"


def test_warm_events_never_load_lark(logs: str) -> None:
    """Compiled match plans are cached: only the first run reads grammars."""
    load(RUN, "events", logs)
    with Path(logs, "access.log").open("a") as log:  # other bytes: they are parsed, not remembered
        log.write(ACCESS_LOG)
    loaded = load(RUN, "events", logs)
    assert "lark" not in loaded
    assert "pyarrow" in loaded
