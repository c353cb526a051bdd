"""The command line as a user meets it: what is printed where, and how it ends."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import ACCESS, assert_refused, reconstruct

from reconstruct.cli import main
from reconstruct.options import Options
from reconstruct.pipeline import open_paths

SHOP = Path(__file__).parent.parent / "samples" / "shop" / "logs"


def test_exports_by_suffix_and_by_name(logs: Path, tmp_path: Path) -> None:
    assert reconstruct("export", logs, "-o", tmp_path / "a.json").returncode == 0
    document = json.loads((tmp_path / "a.json").read_bytes())
    assert document["schema"] == "reconstruct.journeys"
    assert document["sources"][0]["events"] == 29
    found = reconstruct("export", logs, "--format", "jsonl", "-o", "-")
    assert [json.loads(line)["id"] for line in found.stdout.splitlines()] == [
        journey["id"] for journey in document["journeys"]
    ]


def test_prints_events_in_order(logs: Path) -> None:
    found = reconstruct("events", logs)
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert [row["line"] for row in rows] == list(range(1, 30))
    assert rows[4] == {
        "source": "access.log", "line": 5, "lines": 1, "format": "combined", "time": "2026-03-10T10:00:05.000000Z",
        "client_ip": "192.0.2.5", "method": "GET", "target": "/p/5", "path": "/p/5", "protocol": "HTTP/1.1", "status": 200,
        "bytes_sent": 512, "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "ids": rows[4]["ids"],
    }  # fmt: skip


def test_events_are_the_same_whether_results_are_kept(logs: Path, tmp_path: Path) -> None:
    """Kept, journeys are made as well; not kept, nobody would see them."""
    for period in ([], ["--since", "2026-09-15T10:00", "--until", "2026-09-15T12:00"]):
        for name, more in (("kept", []), ("alone", ["--no-cache"])):
            found = reconstruct("events", SHOP, *period, *more, "-o", tmp_path / name)
            assert found.returncode == 0, found.stderr
        assert (tmp_path / "alone").read_bytes() == (tmp_path / "kept").read_bytes() != b""
    results = open_paths([logs], Options(cache=False), only_events=True)
    assert results.store.rows("SELECT count(*) FROM events") == [(29,)]
    assert results.store.rows("SELECT count(*) FROM listed") == [(0,)]
    results.close()


@pytest.mark.parametrize(
    ("period", "said"),
    [
        (["--since", "2030-01-01"], "no event for --since 2030-01-01: the logs begin at 2026-03-10 10:00:01 and end at 2026-03-10 10:00:29 UTC"),
        (["--until", "2020-01-01"], "no event for --until 2020-01-01: the logs begin at"),
        (["--since", "2026-03-10", "--until", "2026-03-09"], "--since 2026-03-10 is later than --until 2026-03-09"),
    ],
)  # fmt: skip
def test_a_period_without_events_is_said(logs: Path, period: list[str], said: str) -> None:
    found = reconstruct("events", logs, *period)
    assert (found.returncode, found.stdout) == (0, "")
    assert found.stderr.startswith("note: ") and said in found.stderr
    assert reconstruct("events", logs, "--since", "2026-03-10T10").stderr == ""


def test_an_export_says_how_much_it_wrote(logs: Path, tmp_path: Path) -> None:
    assert reconstruct("export", logs, "-o", tmp_path / "all.json").stderr.endswith("all.json: 29 journeys\n")
    assert reconstruct("export", logs, "-o", "-").stderr == ""


def test_a_request_without_an_identifier_is_named_by_its_line() -> None:
    told = reconstruct("explain", SHOP / "nginx" / "hooks.access.json:73", "--in", SHOP).stdout
    assert "  order 100051 by rule “request” through request nginx/hooks.access.json:73, confidence " in told


def test_reads_standard_input(logs: Path) -> None:
    found = reconstruct("events", "-", stdin=(logs / "access.log").read_bytes())
    assert len(found.stdout.splitlines()) == 29


def test_without_a_command_and_a_terminal_it_prints_the_summary() -> None:
    found = reconstruct(SHOP)
    assert found.returncode == 0
    assert "38,596 lines" in found.stdout
    assert "business journeys" in found.stdout
    figures = json.loads(reconstruct("summary", "--json", SHOP).stdout)
    assert figures["business_journeys"] > 100


def test_the_plan_says_what_the_orders_are_and_why() -> None:
    rows = {row["type"]: row for row in json.loads(reconstruct("plan", "--json", SHOP).stdout)}
    assert rows["order"]["role"] == "object"
    assert rows["order"]["owner"] == "session"
    assert rows["payment"]["owner"] == "order"
    assert rows["session"]["role"] == "session"
    assert all(row["why"] for row in rows.values())
    assert "because" in reconstruct("plan", SHOP).stdout


def test_explains_a_line_and_its_links() -> None:
    found = reconstruct("explain", f"{SHOP}/app/shop.log:30", "--in", SHOP)
    assert "format python_logging" in found.stdout
    assert "order 100222 by rule" in found.stdout
    assert "came furthest" not in found.stdout
    assert "527 events" in reconstruct("explain", SHOP / "nginx" / "www.access.log").stdout


def test_lists_and_shows_formats() -> None:
    listed = reconstruct("formats", "list", "--json")
    ids = [json.loads(line)["id"] for line in listed.stdout.splitlines()]
    assert "combined" in ids
    assert "start:" in reconstruct("formats", "show", "combined").stdout
    assert_refused(reconstruct("formats", "show", "combinde"), 2, "combined")


def test_checks_a_grammar(tmp_path: Path) -> None:
    good = tmp_path / "mine.lark"
    good.write_text(
        '// title: Mine\n// kind: application\n// docs: none\nstart: TIME " " MESSAGE\nTIME: ISO8601\nMESSAGE: REST\n%import common (ISO8601, REST)\n'
    )
    assert reconstruct("formats", "check", good).returncode == 0
    bad = tmp_path / "bad.lark"
    bad.write_text(
        '// title: Bad\n// kind: application\n// docs: none\nstart: TIME " " MESAGE\nTIME: ISO8601\n%import common (ISO8601)\n'
    )
    found = reconstruct("formats", "check", bad)
    assert found.returncode == 1
    assert found.stderr.count(f"{bad}:4:") == 1


def test_a_wrong_format_of_the_user_is_left_out_and_named(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONSTRUCT_CONFIG_DIR", str(tmp_path / "config"))
    formats = tmp_path / "config" / "formats"
    formats.mkdir(parents=True)
    (formats / "mine.lark").write_text("// title: Mine\n// kind: application\n// docs: none\nstart: NOWHERE\n")
    found = reconstruct("summary", logs)
    assert found.returncode == 0
    assert "warning: a format is left out" in found.stderr
    assert "mine.lark" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("summary", "{tmp}/none"), 1, ("no such file",)),
        (("summary", "{tmp}/empty"), 1, ("no files",)),
        (("summary", "{tmp}/binary"), 1, ("binary file",)),
        (("summary", "{tmp}/prose"), 1, ("3 lines", "explain")),
        (("export", "{logs}", "-o", "{tmp}/no/where.json"), 1, ("no such directory", "mkdir")),
        (("export", "{logs}", "-o", "{tmp}"), 1, ("is a directory",)),
        (("export", "{logs}", "-o", "{tmp}/x.docx"), 2, (".docx", "jsonl")),
        (("export", "{logs}"), 2, ("--output",)),
        (("sumary", "{logs}"), 2, ("did you mean reconstruct summary",)),
        (("summary", "--timezone", "Mars/Olympus", "{logs}"), 2, ("Mars/Olympus",)),
        (("summary", "--workers", "0", "{logs}"), 2, ("processes",)),
        (("explain", "{logs}/access.log:99"), 2, ("29 lines",)),
        (("summary", "{logs}", "--format", "access.log=combind"), 2, ("did you mean combined?",)),
        (("summary", "{logs}", "--format", "combined"), 2, ("--format combined",)),
        (("export", "{logs}", "--format", "jason", "-o", "-"), 2, ("jason", "jsonl")),
        (("summary", "{logs}", "--exclude", "*.log"), 1, ("excluded by *.log",)),
        (("summary", "{logs}", "--config", "{tmp}/none.toml"), 1, ("no such file",)),
        (("formats", "check", "{tmp}/none.lark"), 2, ("no such file",)),
    ],
)  # fmt: skip
def test_refuses_with_an_error_and_a_hint(
    arguments: tuple[str, ...], code: int, words: tuple[str, ...], logs: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary").mkdir()
    (tmp_path / "binary" / "a.log").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "prose").mkdir()
    (tmp_path / "prose" / "a.log").write_text("this is\nno log\nat all\n")
    assert_refused(reconstruct(*(each.format(tmp=tmp_path, logs=logs) for each in arguments)), code, *words)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_says_what_may_not_be_read_or_written(logs: Path, tmp_path: Path) -> None:
    (logs / "secret.log").write_text("x")
    (logs / "secret.log").chmod(0)
    assert "secret.log" in reconstruct("summary", logs).stdout
    tmp_path.chmod(0o500)
    assert_refused(reconstruct("export", logs, "-o", tmp_path / "x.json"), 1, "permission")


def test_a_truncated_gzip_gives_what_it_holds_and_says_so(tmp_path: Path) -> None:
    whole = gzip.compress("".join(ACCESS.format(n=n % 60) for n in range(5000)).encode())
    (tmp_path / "access.log.gz").write_bytes(whole[: len(whole) // 2])
    found = reconstruct("summary", tmp_path)
    assert found.returncode == 0
    assert "truncated" in found.stdout


def test_a_failed_export_leaves_what_was_there(logs: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("before")
    assert reconstruct("export", logs / "none", "-o", kept).returncode == 1
    assert kept.read_text() == "before"


def test_a_reader_that_leaves_is_no_error(logs: Path) -> None:
    command = f"{sys.executable} -m reconstruct events {SHOP} | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, timeout=120, check=False)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""


def test_one_huge_line_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.log").open("wb") as file:
        for _ in range(40):
            file.write(b"a" * (1 << 20))
        file.write(b"\n" + ACCESS.format(n=7).encode())
    figures = [json.loads(line) for line in reconstruct("events", tmp_path).stdout.splitlines()]
    assert [row["line"] for row in figures] == [2]


def test_what_logs_say_cannot_steer_the_terminal(tmp_path: Path) -> None:
    rows = [
        json.dumps({"ts": f"2026-03-10T10:00:{n:02d}Z", "msg": "x", "\x1b[2Jorder_id": f"ORD-{n}"}) for n in range(40)
    ]
    (tmp_path / "a.log").write_text("\n".join(rows) + "\n")
    for command in (("plan",), ("summary",), ("events",), ("export", "-o", "-")):
        found = reconstruct(command[0], tmp_path, *command[1:])
        assert found.returncode == 0
        assert "\x1b" not in found.stdout
    assert "\x1b" not in reconstruct("explain", f"{tmp_path}/a.log:3").stdout


def test_help_and_version_are_printed_to_stdout() -> None:
    assert "COMMAND" in reconstruct("--help").stdout
    assert reconstruct("--version").stdout.startswith("reconstruct ")


def test_the_summary_of_logs_without_visitors_says_so(tmp_path: Path) -> None:
    steps = "2026-03-10 10:00:0{n},000 INFO [orders] order 100{n} placed\n2026-03-10 10:05:0{n},000 INFO [orders] order 100{n} shipped\n"
    (tmp_path / "orders.log").write_text("".join(steps.format(n=n) for n in range(8)), encoding="utf-8")
    said = reconstruct("summary", tmp_path).stdout
    assert "no visits: nothing here is a visitor's request" in said
    assert "0 journeys" not in said and "conversion" not in said


def test_an_interrupt_while_the_database_works_is_one_like_any_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DuckDB turns the KeyboardInterrupt into this; a long statement and a real signal would make a test that waits for chance."""

    def is_interrupted(_: argparse.Namespace) -> int:
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("reconstruct.cli.parser.parse", lambda _: argparse.Namespace(run=is_interrupted))
    assert main([]) == 130
    assert capsys.readouterr().err == "interrupted\n"
