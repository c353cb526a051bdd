"""``reconstruct explain``: what a person is told about a file and a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import ACCESS, reconstruct

from reconstruct.events.explanation import find_misses, find_rivals
from reconstruct.events.formats import NO_HEADERS, known_formats

LINE = ACCESS.format(n=7)


def explain(path: Path, line: int, *options: str) -> str:
    found = reconstruct("explain", f"{path}:{line}", "--no-links", *options)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_text("".join(ACCESS.format(n=n) for n in range(1, 30)))
    return path


def test_the_tree_follows_the_rules_of_the_grammar(log: Path) -> None:
    shown = explain(log, 7)
    assert "\nformat combined\n" in shown
    assert (
        "    request\n"
        "      method            GET  (HTTP_METHOD)\n"
        "      target            /p/7  (HTTP_TARGET)\n"
        "      protocol          HTTP/1.1  (HTTP_PROTOCOL)\n"
        "    status              200  (HTTP_STATUS)\n"
    ) in shown
    assert "came furthest" not in shown


def test_envelopes_stand_around_what_they_wrap(tmp_path: Path) -> None:
    path = tmp_path / "pod.log"
    path.write_text(json.dumps({"log": LINE, "stream": "stdout", "time": "2026-03-10T10:00:07.123456789Z"}) + "\n")
    shown = explain(path, 1)
    assert "\n  docker  (envelope)\n    combined  (Combined log format" in shown
    assert "\n      client_ip" in shown


def test_keys_of_json_are_shown_nested(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text('{"time":"2026-03-10T10:00:07Z","order":{"id":17,"lines":[1,2]},"msg":"paid"}\n')
    assert "    order\n      id                17\n      lines\n        0               1\n" in explain(path, 1)


def test_json_nested_without_end_is_shown_as_text(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text('{"time":"2026-03-10T10:00:07Z","a":' + '{"a":' * 900 + "1" + "}" * 900 + "}\n")
    assert "format json" in explain(path, 1)


def test_others_that_read_the_line_are_named_with_the_rule(log: Path) -> None:
    shown = explain(log, 7)
    assert "others read the line too" in shown
    assert "common_tail: combined says more of a line: 1" in shown
    formats = known_formats()
    text = '192.0.2.7 - - [10/Mar/2026:10:00:07 +0000] "GET / HTTP/1.1" 200 512'
    assert find_rivals(formats, "common", text, NO_HEADERS) == []
    syslog = "<13>1 2026-03-10T10:00:07Z host app 1 - - hello"
    assert all(why for _, why in find_rivals(formats, "syslog_rfc5424", syslog, NO_HEADERS))


def test_a_near_miss_has_a_caret_and_words(log: Path) -> None:
    broken = LINE.replace(" 200 ", " 2x0 ")
    log.write_text(log.read_text() + broken)
    shown = explain(log, 30)
    lines = shown.split("\n")
    at = next(
        i for i, line in enumerate(lines) if line.startswith("  combined, column 64: expected STATUS: HTTP_STATUS")
    )
    assert lines[at + 1][lines[at + 2].index("^") :].startswith("2x0 512")
    assert sum(", column " in line for line in lines) <= 3
    assert ", column " not in explain(log, 29)
    assert explain(log, 29, "--all").count(", column ") > 3


@pytest.mark.parametrize("text", ["hello", "this is nothing that any format knows", "a b c", "{", "-"])
def test_prose_comes_near_to_nothing(text: str) -> None:
    assert find_misses(known_formats(), (), text) == []


def test_what_a_line_below_says_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "catalina.log"
    path.write_text("Sep 14, 2026 6:52:39 AM com.example.shop.OrderService placeOrder\nWARNING: order 4711 is late\n")
    shown = explain(path, 2)
    assert "format jul, continues the entry 1 lines above\nwhat the line says more of it\n  jul_below  (" in shown
    assert "\nthe entry\n  jul  (" in shown
    assert "order 4711 is late" in shown.partition("the entry\n")[0]


def test_lines_below_entries_are_no_near_misses_of_others() -> None:
    formats = known_formats()
    below = {name for name in formats.ids if formats.below(name)}
    text = "WARNING order 4711 is late"
    among = [miss.name for miss in find_misses(formats, (), text, every=True)]
    assert not {each for name in below for each in formats.below(name)} & set(among)
    assert "jul_below" in [miss.name for miss in find_misses(formats, ("jul",), text, every=True)]


def test_types_are_told_with_an_example(log: Path) -> None:
    log.write_text(log.read_text() + LINE.replace("10/Mar/2026", "10/March/2026"))
    assert "expected TIME: HTTP_DATE (02/Jan/2026:15:04:05 +0000)" in explain(log, 30)


def test_a_file_says_in_what_order_formats_are_tried(log: Path) -> None:
    log.write_text(log.read_text() + "2026-03-10 10:00:07 something else\n")
    shown = reconstruct("explain", log).stdout
    assert "30 lines, 30 events, 0 unparsed" in shown
    assert "combined: 29 events, 97%; a line of it says" in shown


def test_directives_are_followed_across_chunks(tmp_path: Path) -> None:
    path = tmp_path / "iis.log"
    filler = "".join(f"2026-03-10 10:00:00 /page-{n:0120d}\n" for n in range(70_000))
    path.write_text(f"#Fields: date time cs-uri-stem\n{filler}#Fields: date time sc-status\n{filler[:1]}")
    text = path.read_text()
    path.write_text(text[:-1] + filler + "2026-03-10 10:00:01 404\n")
    n = path.read_bytes().count(b"\n")
    assert path.stat().st_size > 16 << 20
    shown = explain(path, n)
    assert "format w3c" in shown
    assert "  status                404\n" in shown


def test_a_forced_format_is_said_to_be_forced(log: Path) -> None:
    shown = reconstruct("explain", log, "--format", "access.log=common_tail").stdout
    assert "read as common_tail because the user says so" in shown
    assert "\nformat common_tail\n" in explain(log, 3, "--format", "access.log=common_tail")


def test_patterns_mean_a_file_by_its_name_among_all_logs(tmp_path: Path) -> None:
    (tmp_path / "legacy").mkdir()
    path = tmp_path / "legacy" / "x.log"
    path.write_text(LINE)
    (tmp_path / "reconstruct.toml").write_text(
        '[formats]\n"legacy/*" = "common_tail"\n[sources]\nexclude = ["x.log"]\n'
    )
    shown = explain(path, 1, "--config", str(tmp_path / "reconstruct.toml"))
    assert "\nformat common_tail\n" in shown
    assert "common_tail because the user says so" in shown


def test_nothing_in_a_line_steers_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text('192.0.2.7 - - [10/Mar/2026:10:00:07 +0000] "GET /\x1b[31m\x07 HTTP/1.1" 2\x1b00 512 "-" "x"\n')
    assert "\x1b" not in explain(path, 1, "--all") and "\x07" not in explain(path, 1)


def test_a_log_in_an_archive_goes_by_the_name_it_is_shown_under(tmp_path: Path) -> None:
    """What ``tail`` gives of two files is an archive, too."""
    sent = tmp_path / "sent.txt"
    sent.write_text(f"==> a.log <==\n{LINE}\n\n==> shop/b.log <==\n{LINE.replace('/p/7', '/p/8')}\n")
    assert "target            /p/8" in explain(sent / "shop" / "b.log", 1)
    for wrong in ("", "/b.log", "/shop"):
        done = reconstruct("explain", f"{sent}{wrong}:1")
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert "hint: name one of them" in done.stderr
