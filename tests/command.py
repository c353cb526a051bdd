"""The program as a user runs it, and what a refusal looks like."""

from __future__ import annotations

import subprocess
import sys

ACCESS = '192.0.2.{n} - - [10/Mar/2026:10:00:{n:02d} +0000] "GET /p/{n} HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11; Linux x86_64)"\n'


def reconstruct(*arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run the program as its own process; stdin is never a terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "reconstruct", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )
    found = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in found.stderr
    return found


def assert_refused(found: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert found.returncode == code, found.stderr
    assert found.stdout == ""
    lines = found.stderr.strip().splitlines()
    assert any(line.startswith("error: ") for line in lines[:-1]) and lines[-1].startswith("hint: "), found.stderr
    assert all(word in found.stderr for word in words), found.stderr
