"""Configuration that lies among the logs: its layouts read them, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from laid_out import NGINX, access_lines, read_events

from reconstruct.cli import main
from reconstruct.layouts.configuration import Layout
from reconstruct.layouts.importing import import_layout


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    directory.mkdir()
    return directory


def test_configuration_is_no_log_and_is_accounted_for(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "access.log").write_text(access_lines("0.250 tls"))
    (logs / "nginx.conf").write_text(
        NGINX.format(name="main", tail="$request_time $foo") + "log_format bad '$remote_addr $';\n"
    )
    (logs / "logback.xml").write_text("<configuration/>")
    assert main(["summary", str(logs), "--json", "--no-cache"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert {each["path"]: each["reason"] for each in summary["skipped"]} == {
        "nginx.conf": "configuration: 1 layout read, 1 not understood (reconstruct formats import says why)",
        "logback.xml": "configuration: no layout in it",
    }
    event = read_events(logs)[0]
    assert (event["format"], event["duration_ms"], event["attributes"]) == ("nginx_main", 250.0, {"foo": "tls"})


@pytest.mark.parametrize(
    ("language", "layout", "zone"),
    [
        ("log4j", "%d{yyyy-MM-dd HH:mm:ss,SSS}{UTC} %p [%t] %c - %m%n", "UTC"),
        ("log4j", "%d{yyyy-MM-dd HH:mm:ss}{GMT+0} %p %c - %m%n", "UTC"),
        ("log4j", "%d{yyyy-MM-dd HH:mm:ss}{Europe/Paris} %p %c - %m%n", "Europe/Paris"),
        ("log4j", "%d{yyyy-MM-dd HH:mm:ss}{CET} %p %c - %m%n", "CET"),
        ("log4j", "%d{yyyy-MM-dd HH:mm:ss}{PST} %p %c - %m%n", "America/Los_Angeles"),
        ("log4j", "%d{yyyy-MM-dd HH:mm:ss}{GMT-3:30} %p %c - %m%n", "-03:30"),
        ("log4j", "%d{yyyy-MM-dd HH:mm:ss}{Mars} %p %c - %m%n", None),
        ("log4j", "%d{HH:mm:ss}{UTC} %p %c - %m%n", None),  # the day is still to be found
        ("log4j", "%d{yyyy-MM-dd HH:mm:ssXXX}{UTC} %p %c - %m%n", ""),  # says it itself
        ("logback", '%d{"yyyy-MM-dd HH:mm:ss,SSS", UTC} %level %logger - %msg%n', "UTC"),
        ("logback", "%d{yyyy-MM-dd HH:mm:ss.SSS, Etc/UTC} %level %logger - %msg%n", "UTC"),
        ("logback", "%d{yyyy-MM-dd HH:mm:ss, Asia/Tokyo} %level %logger - %msg%n", "Asia/Tokyo"),
        ("logback", "%d{yyyy-MM-dd HH:mm:ss,SSS} %level %logger - %msg%n", ""),
    ],
)
def test_a_zone_that_only_the_layout_names(language: str, layout: str, zone: str | None) -> None:
    """``zone``: None where it is named and cannot be taken over, which is said."""
    imported = import_layout(Layout(language, "", layout, "the layout", {}))
    assert re.findall(r"^// zone: (.*)$", imported.text, re.MULTILINE) == ([zone] if zone else [])
    assert any("zone" in remark for remark in imported.remarks) is (zone is None)


@pytest.mark.parametrize(
    ("zone", "offset", "days"),
    [("UTC", "+00:00", ("02T15:04:00", "02T15:04:00")), ("Europe/Berlin", "+01:00", ("02T14:04:00", "02T13:04:00"))],
)
def test_stamps_are_in_the_zone_of_their_layout(
    zone: str, offset: str, days: tuple[str, str], logs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever ``--timezone`` says, and with daylight saving time in its season."""
    (logs / "app.log").write_text(
        "".join(f"2026-{month}-02 15:04:0{n}|INFO|shop.Orders|order {n}\n" for month in ("01", "07") for n in range(6))
    )
    (logs / "log4j2.properties").write_text(
        f"appender.a.layout.type = PatternLayout\nappender.a.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss}}{{{zone}}}|%p|%c|%m%n\n"
    )
    assert main(["export", str(logs), "--no-cache", "--timezone", "Asia/Tokyo", "-o", "-"]) == 0
    (source,) = json.loads(capsys.readouterr().out)["sources"]
    assert (source["timezone"], source["timezone_from"]) == (offset, "stamp")
    assert source["quality"]["timezone_why"].endswith(f"does: {zone}")
    times = [event["time"] for event in read_events(logs)]
    assert (times[0][8:19], times[6][8:19]) == days


def test_a_layout_that_is_built_in_makes_no_second_format(logs: Path) -> None:
    (logs / "access.log").write_text(access_lines("").replace(" \n", "\n"))
    (logs / "nginx.conf").write_text(NGINX.format(name="mine", tail="").replace(" ';", "';"))
    assert {event["format"] for event in read_events(logs)} == {"combined"}


def test_a_changed_configuration_is_read_anew(logs: Path) -> None:
    """What the layouts say is part of what results depend on; the cache of results does not hide a change."""
    out = logs.parent / "out.jsonl"

    def formats() -> set[str]:
        assert main(["events", str(logs), "-o", str(out)]) == 0
        return {json.loads(line)["format"] for line in out.read_text().splitlines()}

    (logs / "access.log").write_text(access_lines("0.250 tls"))
    (told,) = formats()
    assert told.startswith("told_")
    (logs / "nginx.conf").write_text(NGINX.format(name="one", tail="$request_time $foo"))
    assert formats() == {"nginx_one"}
    (logs / "nginx.conf").write_text(NGINX.format(name="two", tail="$request_time $foo"))
    assert formats() == {"nginx_two"}


def test_of_two_layouts_alike_the_nearer_one_counts(logs: Path) -> None:
    for service, fields in (("cart", "$upstream_http_shop $arg_q"), ("pay", "$arg_bank $upstream_http_card")):
        (logs / service / "conf").mkdir(parents=True)
        (logs / service / "conf" / "nginx.conf").write_text(NGINX.format(name=service, tail=fields))
        (logs / service / "access.log").write_text(access_lines("x y"))
    assert {(event["source"], event["format"]) for event in read_events(logs)} == {
        ("cart/access.log", "nginx_cart"),
        ("pay/access.log", "nginx_pay"),
    }


def test_a_layout_that_says_little_takes_no_lines_that_a_format_reads_whole(logs: Path) -> None:
    (logs / "log4j.properties").write_text("log4j.appender.A.layout.ConversionPattern=%d %p %m%n\n")
    lines = [f"2026-01-02 15:04:0{n},123" for n in range(9)]
    (logs / "full.log").write_text("".join(f"{line} INFO [main] a.b.C - text {line[-5]}\n" for line in lines))
    (logs / "plain.log").write_text("".join(f"{line} INFO order {line[-5]} placed\n" for line in lines))
    found = {event["source"]: (event["format"], event["message"]) for event in read_events(logs)}
    assert found["plain.log"] == ("log4j_a", "order 8 placed")
    assert found["full.log"][0] != "log4j_a"
    assert found["full.log"][1] == "text 8"


def test_a_layout_that_any_line_fits_is_not_used_by_itself(logs: Path) -> None:
    (logs / "log4j.properties").write_text("log4j.appender.A.layout.ConversionPattern=%m%n\n")
    (logs / "x.log").write_text("one\ntwo\n" * 9 + "2026-01-02 15:04:05 three\n")
    assert {event["format"] for event in read_events(logs)} <= {"generic"}


def test_a_grammar_of_the_same_name_counts_for_the_layout(logs: Path) -> None:
    """What was imported, corrected and kept is not undone by the configuration it came from."""
    (logs / "access.log").write_text(access_lines("0.250 tls"))
    (logs / "nginx.conf").write_text(NGINX.format(name="main", tail="$request_time $foo"))
    assert main(["formats", "import", str(logs / "nginx.conf"), "-o", str(logs)]) == 0
    grammar = logs / "nginx_main.lark"
    grammar.write_text(grammar.read_text().replace("FOO", "CIPHER"))
    assert {json.dumps(event["attributes"]) for event in read_events(logs)} == {'{"cipher": "tls"}'}


def test_a_layout_may_be_forced(logs: Path) -> None:
    (logs / "access.log").write_text(access_lines("0.250 tls"))
    (logs / "nginx.conf").write_text(
        NGINX.format(name="main", tail="$request_time $foo") + NGINX.format(name="other", tail="$bar $foo")
    )
    out = logs.parent / "out.jsonl"
    command = ["events", str(logs), "--no-cache", "-o", str(out), "--format"]
    for name in ("main", "other"):
        assert main([*command, f"*.log=nginx_{name}"]) == 0
        assert {json.loads(line)["format"] for line in out.read_text().splitlines()} == {f"nginx_{name}"}
    assert main([*command, "*.log=nginx_mian"]) == 2


def test_explain_knows_the_layouts(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = access_lines("0.250 tls").replace('" 200', '" 2x0')
    (logs / "access.log").write_text(access_lines("0.250 tls") + broken)
    (logs / "nginx.conf").write_text(NGINX.format(name="main", tail="$request_time $foo"))

    def explained(line: int, *options: str) -> str:
        assert main(["explain", f"{logs}/access.log:{line}", "--no-links", *options]) == 0
        return capsys.readouterr().out

    first = explained(1)
    assert "format nginx_main\n" in first and "    foo                 tls" in first
    rule = "combined_tail: the grammar of nginx_main says that it wins over it"
    assert f"  {rule}\n" in first
    assert "nginx_main" in explained(6), "a near miss"
    forced = explained(1, "--format", "*.log=nginx_main")
    assert "nginx_main because the user says so" in forced
    assert main(["explain", f"{logs}/access.log"]) == 0
    assert "  nginx_main: 5 events" in capsys.readouterr().out


def test_unparsed_lines_are_held_against_the_layouts(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "192.0.2.7|till {n}|opened by {n}|2026-01-02T15:04:05+00:00\n"
    (logs / "till.log").write_text("192.0.2.7|till 3|closed by 4\n" + "".join(line.format(n=n) for n in range(9)))
    (logs / "nginx.conf").write_text("log_format till '$remote_addr|till $till|opened by $who|$time_iso8601';\n")
    assert main(["export", str(logs), "--no-cache", "-o", "-"]) == 0
    (source,) = json.loads(capsys.readouterr().out)["sources"]
    assert source["formats"] == {"nginx_till": 9}
    (sample,) = source["quality"]["samples"]
    assert sample["nearest"] == {"format": "nginx_till", "column": 29, "expected": ['the text "|opened by "']}


def test_workers_know_the_layouts(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconstruct.engines.local.WORTH_WORKERS", 1)
    (logs / "access.log").write_text(access_lines("0.250 tls", 9))
    (logs / "nginx.conf").write_text(NGINX.format(name="main", tail="$request_time $foo"))
    out = logs.parent / "out.jsonl"
    assert main(["events", str(logs), "--no-cache", "--workers", "2", "-o", str(out)]) == 0
    assert [json.loads(line)["format"] for line in out.read_text().splitlines()] == ["nginx_main"] * 9


def test_entries_of_several_lines_belong_together(logs: Path) -> None:
    (logs / "log4j2.properties").write_text("appender.a.layout.pattern = <%p> %d{HH:mm:ss} ~ %c ~ %m%n%ex\n")
    (logs / "app.log").write_text(
        "<ERROR> 15:04:05 ~ a.B ~ failed\njava.lang.Oops: x\n\tat a.B.c(B.java:1)\n<INFO> 15:04:06 ~ a.B ~ ok\n"
    )
    events = read_events(logs)
    assert [(event["line"], event["lines"], event["format"]) for event in events] == [
        (1, 3, "log4j_a"),
        (4, 1, "log4j_a"),
    ]
