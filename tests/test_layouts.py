"""Layouts in a program's own configuration become formats: by ``formats import``, and by lying among the logs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.cli import main
from reconstruct.grammar.compiler import compile_definition
from reconstruct.grammar.definition import KINDS, parse_definition
from reconstruct.grammar.matcher import matcher_for
from reconstruct.layouts.configuration import Layout, find_layouts
from reconstruct.layouts.importing import guess_language, import_layout, read_configuration
from reconstruct.layouts.languages import load_languages
from reconstruct.layouts.names import SUFFIXES

Fields = dict[str, Any]


def read_cases() -> list[tuple[str, str, dict[str, str], dict[str, Fields]]]:
    """(language, layout, what stands beside it, {line: fields}) of ``layouts.toml``."""
    table = tomllib.loads((Path(__file__).parent / "layouts.toml").read_text(encoding="utf-8"))
    return [
        (
            case["language"],
            case["layout"],
            case.get("options", {}),
            {line["text"]: {key: value for key, value in line.items() if key != "text"} for line in case["lines"]},
        )
        for case in table["case"]
    ]


CASES = read_cases()
IDS = [f"{language}: {layout[:40]}" for language, layout, _, _ in CASES]


def configure(language: str, layouts: list[tuple[str, dict[str, str]]]) -> tuple[str, str]:
    """A configuration file of the language's program that has these layouts, and its name."""
    match language:
        case "nginx":
            lines = []
            for n, (layout, options) in enumerate(layouts):
                first, second = layout[: len(layout) // 2], layout[len(layout) // 2 :]
                said = f" escape={options['escape']}" if "escape" in options else ""
                lines.append(f"    log_format l{n}{said} '{first}'  # half\n        '{second}';")
            return "nginx.conf", "http {\n" + "\n".join(lines) + "\n    access_log /var/log/nginx/access.log l0;\n}\n"
        case "apache":
            lines = []
            for n, (layout, _) in enumerate(layouts):
                quoted = layout.replace("\\", "\\\\").replace('"', '\\"')
                cut = quoted.index(" ") + 1
                lines.append(
                    f'<IfModule log_config_module>\n  LogFormat "{quoted[:cut]}\\\n{quoted[cut:]}" l{n}\n</IfModule>'
                )
            return "httpd.conf", "\n".join(lines) + "\nCustomLog logs/access_log l0\n"
        case "apache_error":
            lines = ["ErrorLog logs/error_log", 'ErrorLogFormat connection "[%t] %M"']
            for n, (layout, _) in enumerate(layouts):
                quoted = layout.replace("\\", "\\\\").replace('"', '\\"')
                lines.append(f'<VirtualHost *:{8000 + n}>\n  ErrorLogFormat "{quoted}"\n</VirtualHost>')
            return "httpd.conf", "\n".join(lines) + "\n"
        case "haproxy":
            lines = ["defaults", "  mode http"]
            for n, (layout, _) in enumerate(layouts):
                escaped = layout.replace(" ", "\\ ").replace('"', '\\"')
                lines += [f"frontend l{n}", f"  log-format {escaped}  # comment"]
            return "haproxy.cfg", "\n".join(lines) + "\n"
        case "envoy":
            logs = [
                {
                    "name": "file",
                    "typed_config": {
                        "log_format": {
                            "text_format_source": {"inline_string": layout.encode().decode("unicode_escape")}
                        }
                    },
                }
                for layout, _ in layouts
            ]
            return "envoy.yaml", yaml.safe_dump({"static_resources": {"listeners": [{"access_log": logs}]}})
        case "gunicorn":
            return "gunicorn.conf.py", f"workers = 2\naccess_log_format = {layouts[0][0]!r}\n"
        case "log4j":
            found = [
                f'<Console name="l{n}"><PatternLayout pattern="{escape(layout)}"/></Console>'
                for n, (layout, _) in enumerate(layouts)
            ]
            return "log4j2.xml", f"<Configuration><Appenders>{''.join(found)}</Appenders></Configuration>"
        case "tomcat":
            found = [
                f'<Valve className="org.apache.catalina.valves.AccessLogValve" pattern="{escape(layout)}"/>'
                for layout, _ in layouts
            ]
            return "server.xml", f"<Server><Service><Engine><Host>{''.join(found)}</Host></Engine></Service></Server>"
        case "logback":
            found = [
                f'<appender name="l{n}"><encoder><pattern>{escape(layout, quote=False)}</pattern></encoder></appender>'
                for n, (layout, _) in enumerate(layouts)
            ]
            return "logback-spring.xml", f"<configuration>{''.join(found)}</configuration>"
    formatters = {f"{language}{n}": {"format": layout, **options} for n, (layout, options) in enumerate(layouts)}
    return "logging.json", json.dumps({"version": 1, "formatters": formatters})


def read_events(directory: Path) -> list[Fields]:
    """The events of a directory, by the program's own door."""
    out = directory.parent / f"{directory.name}.jsonl"
    assert main(["events", str(directory), "--no-cache", "-o", str(out)]) == 0
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def assert_holds(event: Fields, expected: Fields) -> None:
    """The event has these fields; of attributes, when given, no others."""
    found = {name: event.get(name) for name in expected}
    assert found == expected, event


@pytest.mark.parametrize(("language", "layout", "options", "lines"), CASES, ids=IDS)
def test_a_layout_among_the_logs_reads_them(
    tmp_path: Path, language: str, layout: str, options: dict[str, str], lines: dict[str, Fields]
) -> None:
    logs = tmp_path / "logs"
    (logs / "conf").mkdir(parents=True)
    name, text = configure(language, [(layout, options)])
    (logs / "conf" / name).write_text(text, encoding="utf-8")
    (logs / "app.log").write_text("".join(f"{line}\n" for line in lines) * 3, encoding="utf-8")
    events = read_events(logs)
    assert [event["source"] for event in events] == ["app.log"] * 3 * len(lines)
    assert {event["format"].partition("_")[0] for event in events} == {language.partition("_")[0]}
    for event, expected in zip(events, list(lines.values()) * 3, strict=True):
        assert_holds(event, expected)


def test_imported_formats_read_the_same(tmp_path: Path) -> None:
    """``formats import`` writes what lies among the user's formats from then on."""
    environment = {**os.environ, "RECONSTRUCT_CONFIG_DIR": str(tmp_path / "config")}

    def reconstruct(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "reconstruct", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)

    logs = tmp_path / "logs"
    logs.mkdir()
    expected: dict[str, list[Fields]] = {}
    for language in dict.fromkeys(case[0] for case in CASES):
        cases = [case for case in CASES if case[0] == language]
        name, text = configure(language, [(layout, options) for _, layout, options, _ in cases])
        (tmp_path / language).mkdir()
        (tmp_path / language / name).write_text(text, encoding="utf-8")
        done = reconstruct("formats", "import", tmp_path / language / name, "-o", tmp_path / "config" / "formats")
        assert done.returncode == 0, done.stderr
        for n, (_, _, _, lines) in enumerate(cases):
            (logs / f"{language}{n}.log").write_text("".join(f"{line}\n" for line in lines) * 3, encoding="utf-8")
            expected[f"{language}{n}.log"] = list(lines.values()) * 3
    assert len(list((tmp_path / "config" / "formats").glob("*.lark"))) == len(CASES)
    done = reconstruct("events", logs, "-o", tmp_path / "out.jsonl")
    assert done.returncode == 0, done.stderr
    found: dict[str, list[Fields]] = {}
    for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines():
        found.setdefault(json.loads(line)["source"], []).append(json.loads(line))
    assert found.keys() == expected.keys()
    for source, events in found.items():
        for event, fields in zip(events, expected[source], strict=True):
            assert_holds(event, fields)


# --- configuration files -------------------------------------------------------------------------------------------------

FILES: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    # what it shows: name, text, [(id, layout)]
    "nginx: strings in a row, quotes, comments, other statements": (
        "site.conf",
        "# log_format none '$status';\nhttp { log_format a '$remote_addr \\'$status\\' '\n  # why\n  \"$request_time;\" ;\n"
        "server { access_log /x a; } }\n",
        [("nginx_a", "$remote_addr '$status' $request_time;")],
    ),
    "apache: nicknames and targets, single quotes": (
        "vhosts.conf",
        "LogFormat '%h \"%r\"' short\nCustomLog logs/a.log short\nCustomLog \"|/bin/rotate x\" \"%h %t %U\" env=!static\n#LogFormat \"%a\" no\n",
        [("apache_short", '%h "%r"'), ("apache_rotate_x", "%h %t %U")],
    ),
    "haproxy: quotes and backslashes": (
        "haproxy.cfg",
        "frontend a\n  log-format \"%ci %{+Q}r\"\nlisten b\n  log-format '%ci \"%HM\"'\nbackend c\n  option tcplog\n",
        [("haproxy_a", "%ci %{+Q}r"), ("haproxy_b", '%ci "%HM"'), ("haproxy_c", "tcplog")],
    ),
    "log4j 1 properties with a continued line": (
        "log4j.properties",
        "log4j.rootLogger=INFO, A\nlog4j.appender.A.layout=org.apache.log4j.PatternLayout\n"
        "log4j.appender.A.layout.ConversionPattern=%d{ISO8601} \\\n    %-5p\\t%c \\u0023 %m%n\n",
        [("log4j_a", "%d{ISO8601} %-5p\t%c # %m%n")],
    ),
    "log4j 1 xml": (
        "log4j.xml",
        '<log4j:configuration xmlns:log4j="http://jakarta.apache.org/log4j/"><appender name="Con"><layout class="org.apache.log4j.PatternLayout">'
        '<param name="ConversionPattern" value="%d &lt;%p&gt; %m%n"/></layout></appender></log4j:configuration>',
        [("log4j_con", "%d <%p> %m%n")],
    ),
    "log4j 2 xml with properties and a pattern element": (
        "log4j2-spring.xml",
        '<Configuration><Properties><Property name="P">%d %p ${sys:who:-nobody} %m%n</Property></Properties><Appenders>'
        '<File name="F"><PatternLayout><Pattern>${P}</Pattern></PatternLayout></File></Appenders></Configuration>',
        [("log4j_f", "%d %p nobody %m%n")],
    ),
    "log4j 2 properties": (
        "log4j2.properties",
        "appender.console.layout.type = PatternLayout\nappender.console.layout.pattern = [%d] %p: %m%n\n",
        [("log4j_console", "[%d] %p: %m%n")],
    ),
    "log4j 2 yaml": (
        "log4j2.yaml",
        "Configuration:\n  Appenders:\n    Console:\n      name: C\n      PatternLayout:\n        Pattern: '%d %p %m%n'\n",
        [("log4j_console", "%d %p %m%n")],
    ),
    "logback xml with a property": (
        "logback.xml",
        '<configuration><property name="P" value="%d [%X{id:-none}] %p %c %m%n"/><appender name="OUT"><encoder><pattern>${P}</pattern></encoder>'
        "</appender></configuration>",
        [("logback_out", "%d [%X{id:-none}] %p %c %m%n")],
    ),
    "spring yaml with placeholders": (
        "application-prod.yml",
        "spring:\n  application:\n    name: shop\nlogging:\n  pattern:\n"
        '    file: "%d ${LOG_LEVEL_PATTERN:-%5p} ${PID:- } ${spring.application.name} ${none} %msg%n"\n',
        [("logback_file", "%d %5p %property{PID} shop %property{none} %msg%n")],
    ),
    "spring properties": (
        "application.properties",
        "server.port=80\nlogging.pattern.console=%d{HH:mm:ss} %-5level %msg%n\n",
        [("logback_console", "%d{HH:mm:ss} %-5level %msg%n")],
    ),
    "python ini": (
        "alembic.ini",
        "[formatters]\nkeys = generic\n[formatter_generic]\nformat = %(levelname)-5.5s [%(name)s] %(message)s\ndatefmt = %H:%M:%S\n",
        [("python_generic", "%(levelname)-5.5s [%(name)s] %(message)s")],
    ),
    "python yaml in a style, and JSON": (
        "logging.yaml",
        "version: 1\nformatters:\n  brief:\n    format: '{asctime} {levelname} {message}'\n    style: '{'\n"
        "  machine:\n    class: pythonjsonlogger.jsonlogger.JsonFormatter\n    format: '%(message)s'\n",
        [("python_brief", "{asctime} {levelname} {message}"), ("python_json", "")],
    ),
    "envoy text and json": (
        "envoy.yaml",
        "access_log:\n- typed_config:\n    log_format:\n      text_format: \"[%START_TIME%] %RESPONSE_CODE%\\n\"\n"
        "- typed_config:\n    log_format:\n      json_format:\n        status: '%RESPONSE_CODE%'\n",
        [("envoy_access_log_typed_config_log_format"[:47], "[%START_TIME%] %RESPONSE_CODE%"), ("envoy_json", "")],
    ),
    "ingress-nginx config map": (
        "configmap.yaml",
        "kind: ConfigMap\ndata:\n  log-format-upstream: '$remote_addr [$time_iso8601] $status'\n",
        [("nginx_log_format_upstream", "$remote_addr [$time_iso8601] $status")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_layouts_are_found_in_files(what: str) -> None:
    name, text, expected = FILES[what]
    found = read_configuration(f"etc/{name}", text.encode())
    assert found is not None
    layouts = [each.layout.text for each in found.imported]
    assert layouts == [layout for _, layout in expected]
    assert [each.problem for each in found.imported] == [""] * len(expected)
    if "envoy text" not in what:
        assert [each.id for each in found.imported] == [id for id, _ in expected]
    assert all(each.layout.place.startswith(f"etc/{name}:") for each in found.imported)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("notes.conf", "keepalive 5\n"),
        ("data.json", '{"formatters": [1, 2, {"a": "b"}]}'),
        ("lines.json", '{"formatters":{"a":{"format":"%(message)s"}}}\n{"msg":"x"}\n'),
        ("broken.xml", "<Configuration><PatternLayout pattern='%m'>"),
        ("bomb.xml", '<!DOCTYPE x [<!ENTITY a "PatternLayout">]><x>&a;</x>'),
        ("broken.yaml", "formatters: [\n  - {"),
        ("deep.yaml", "formatters: " + "[" * 500 + "]" * 500),
        ("abyss.yaml", "formatters:\n  " + "- " * 90_000 + "x"),  # would overflow the stack of the parser
        ("abyss.json", '{"formatters": ' + "[" * 90_000 + "]" * 90_000 + "}"),
        ("bomb.yaml", "formatters:\n" + "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]\n" for n in range(12))),
        ("settings.properties", "log4j.x=1\n"),
        ("x.log", "log_format a '$status';"),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_left_alone(name: str, text: str) -> None:
    assert read_configuration(name, text.encode()) is None


def test_every_name_of_the_tables_is_looked_at() -> None:
    for language in load_languages().values():
        for glob in (*language.places.files, *language.places.elsewhere):
            assert glob.endswith((*SUFFIXES, ".*")), glob


# --- pick-up -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    directory.mkdir()
    return directory


def access_lines(tail: str, count: int = 5) -> str:
    head = '192.0.2.{n} - - [02/Jan/2026:15:04:0{n} +0000] "GET /a HTTP/1.1" 200 12 "-" "Moz"'
    return "".join(f"{head.format(n=n)} {tail}\n" for n in range(1, count + 1))


NGINX = (
    "log_format {name} '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent '\n"
    '  \'"$http_referer" "$http_user_agent" {tail}\';\n'
)


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


# --- what is not understood ----------------------------------------------------------------------------------------------

WRONG: list[tuple[str, str, str, int, str]] = [
    # language, layout, words of the error, column of the caret, words of the hint
    ("nginx", "$remote_addr $ $status", "not expected here", 15, "a name"),
    ("nginx", "$remote_addr ${status", "in the middle", 22, "}"),
    ("nginx", "no variable", "no value", 0, "directive"),
    ("apache", "%h %{User-Agent", "in the middle", 16, "}"),
    ("apache", '%h "%', "in the middle", 6, "a name"),
    ("haproxy", "%ci %[capture.req.hdr(0)", "in the middle", 25, "]"),
    ("envoy", "[%START_TIME] x", "not expected here", 13, "%"),
    ("log4j", "%d{HH:mm:ss %m%n", "never closed", 3, "}"),
    ("log4j", "%d{yyyy-mm-ddThh} %m", "not expected here", 11, ""),
    ("logback", "%clr(%p %m", "in the middle", 11, ")"),
    ("python", "%(asctime)s %(message", "in the middle", 22, ")"),
    ("python", "%(asctime) - %(message)s", "not expected here", 14, "conversion"),
    ("python_brace", "{asctime {message}", "not expected here", 9, "}"),
]


@pytest.mark.parametrize(("language", "layout", "words", "column", "hint"), WRONG)
def test_what_is_not_understood_is_shown_with_a_caret(
    language: str, layout: str, words: str, column: int, hint: str
) -> None:
    found = import_layout(Layout(language, "x", layout, "conf:7"))
    assert found.text == "" and found.problem.startswith("conf:7")
    assert words in found.problem
    assert hint in found.hint
    if column:
        assert found.problem.splitlines()[-1] == "  " + " " * (column - 1) + "^"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere/nginx.conf"], "no such file"),
        (["%!"], "cannot be told"),
        (["%h %t", "--language", "apach"], "did you mean apache"),
        (["%h %t", "--name", "My-Format"], "is no id"),
    ],
)
def test_a_wrong_command_line_is_explained(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["formats", "import", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "\nhint: " in said and words in said


def test_import_takes_a_bare_layout(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert (
        main(["formats", "import", "%d{HH:mm:ss} %-5p [%t] %X{a} - %m%n", "--name", "mine", "-o", str(tmp_path)]) == 0
    )
    text = (tmp_path / "mine.lark").read_text()
    assert "// title: Log4j pattern layout" in text
    plan = compile_definition(parse_definition(text, tmp_path / "mine.lark"))
    assert (matcher_for(plan).match_line("15:04:05 INFO  [main] 7 - x") or {})["a"] == "7"
    assert main(["formats", "import", '%h %l %u %t "%r" %>s %b']) == 0
    found = capsys.readouterr()
    assert found.out == "" and "the format common reads these lines already" in found.err
    assert main(["formats", "import", "%d{HH:mm:ss} %m%n", "--name", "mine", "-o", str(tmp_path)]) == 2, (
        "kept, not overwritten"
    )


def test_import_reads_standard_input(tmp_path: Path) -> None:
    text = "http { log_format a '$msec $status'; }\n"
    command = [sys.executable, "-m", "reconstruct", "formats", "import", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "start: TIME" in done.stdout, done.stderr


def test_a_formats_text_is_fine_by_the_authors_check(tmp_path: Path) -> None:
    from reconstruct.grammar.check import check_definition

    for n, (language, layout, options, lines) in enumerate(CASES):
        found = import_layout(Layout(language, "x", layout.replace("\\n", ""), "conf:1", options))
        assert found.text, found.problem
        path = tmp_path / f"f{n}.lark"
        path.write_text(found.text)
        known = {"f", *found.text.partition("// wins_over: ")[2].partition("\n")[0].split(", ")}
        assert check_definition(path, list(lines), known) == []


def test_nothing_more_is_loaded_without_configuration(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom reconstruct.cli import main\nmain(sys.argv[1:])\n"
        "rooms = ('lark', 'yaml', 'xml')\n"
        "found = [name for name in sys.modules if name.split('.')[0] in rooms or name.startswith('reconstruct.layouts')]\n"
        "print(sorted(found), file=sys.stderr)"
    )
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()

    def modules() -> str:
        log.write_text((log.read_text() if log.exists() else "") + access_lines("0.250"))
        command = [sys.executable, "-c", code, "events", str(log.parent), "-o", str(tmp_path / "out")]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stderr.splitlines()[-1]

    modules()
    assert modules() == "['reconstruct.layouts', 'reconstruct.layouts.names']"
    (log.parent / "nginx.conf").write_text(NGINX.format(name="main", tail="$request_time"))
    (log.parent / "logging.yaml").write_text("formatters: {a: {format: '%(asctime)s %(message)s'}}")
    assert "lark" in modules()
    warm = modules()
    assert "lark" not in warm and "yaml" not in warm and "reconstruct.layouts.importing" in warm


# --- the tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", load_languages())
def test_every_directive_makes_a_format(name: str) -> None:
    """Each meaning of a table is a field or rule that compiles, alone and quoted."""
    language = load_languages()[name]
    assert language.kind in KINDS and language.docs.startswith("https://") and language.title
    for meaning in language.fields.values():
        field, colon, kind = meaning.partition(": ")
        assert (colon and kind) or field in language.rules, meaning
    for wrapped in language.known:
        assert import_layout(Layout(name, "", wrapped, "table")).known, wrapped
    for key in [*language.fields, *language.stamps]:
        if name == "python_dollar" and "." in key:
            continue  # no name of a template
        layout = f"{spell(name, key)} #" + spell(name, first_of(name))
        found = import_layout(Layout(name, "x", layout, "table"))
        assert not found.problem, (layout, found.problem)
        assert not any("not known" in remark for remark in found.remarks), (layout, found.remarks)


def first_of(language: str) -> str:
    """A directive with a value that is always there."""
    return {
        "nginx": "status",
        "told": "status",
        "apache": "s",
        "apache_error": "P",
        "tomcat": "s",
        "gunicorn": "s",
        "haproxy": "ST",
        "envoy": "RESPONSE_CODE",
    }.get(language, "levelname" if language.startswith("python") else "p")


def spell(language: str, key: str) -> str:
    """A directive as a layout of the language writes it; a star is the word ``any``."""
    name, _, argument = key.replace("*", "any").partition("(")
    argument = argument[:-1] if argument else ""
    match language:
        case "nginx":
            return f"${{{name}}}"
        case "apache" | "apache_error" | "tomcat":
            return f"%{{{argument}}}{name}" if argument else f"%{name}"
        case "haproxy":
            return f"%[{argument}]" if name == "sample" else f"%{name}"
        case "envoy":
            return f"%{name}({argument})%" if argument else f"%{name}%"
        case "log4j" | "logback":
            return f"%{name}{{{argument}}}" if argument else f"%{name}"
        case "gunicorn":
            return f"%({{{argument}}}{name})s" if argument else f"%({name})s"
        case "python":
            return f"%({name})s"
        case "python_brace":
            return f"{{{name}}}"
    return f"${{{name}}}"


def test_languages_are_guessed() -> None:
    for language, layout, _, _ in CASES:
        if "%{+Q}o" in layout:  # a header of Apache, too
            continue
        alike = {"logback": "log4j", "tomcat": "apache"}
        assert guess_language(layout.replace("\\n", "")) in (language, alike.get(language)), layout
    assert guess_language("hello") == ""
    assert guess_language("%d{HH:mm %m%n") in ("log4j", "logback"), "one with a mistake"


# --- any layout ----------------------------------------------------------------------------------------------------------

VALUES = {
    "IP_OR_HOST": "192.0.2.7", "HTTP_DATE": "02/Jan/2026:15:04:05 +0000", "ISO8601": "2026-01-02T15:04:05+00:00", "EPOCH_S": "1767366245.123",
    "HTTP_STATUS": "204", "COUNT": "17", "NUMBER": "0.25", "PORT": "8080", "HTTP_TARGET": "/a", "HTTP_METHOD": "GET", "HTTP_PROTOCOL": "HTTP/1.1",
    "LOG_LEVEL": "INFO", "UUID": "0af76519-16cd-43dd-8448-eb211c80319c", "HOST_PORT": "www.example.com:80", "TEXT": "Xy", "TOKEN": "Xy", "REST": "Xy",
}  # fmt: skip
"""A value of each type that no literal of the test can be taken for."""


def directives(language: str) -> Iterator[tuple[str, str]]:
    """(as written, its value) of the directives whose value is one of VALUES."""
    table = load_languages()[language]
    for key, meaning in table.fields.items():
        name, _, kind = meaning.partition(": ")
        value = VALUES.get(kind.partition(" | ")[0])
        if value and "*" not in key and not name.startswith(("_", "[")):
            yield spell(language, key), value


LITERALS = st.builds(
    str.__add__,
    st.text(st.sampled_from(" -|:;,[]()<>=#'~\"/.@&!"), min_size=1, max_size=3),
    st.text(st.sampled_from("QÄ_"), max_size=2),
)
"""Text between directives; a letter at once behind one might be part of its name."""


@st.composite
def layouts(draw: st.DrawFn) -> tuple[str, str, str]:
    """A language, a layout of known directives with text between them, and a line written by it."""
    language = draw(st.sampled_from(["nginx", "apache", "haproxy", "envoy", "python", "log4j", "gunicorn"]))
    chosen = draw(st.lists(st.sampled_from(list(directives(language))), min_size=1, max_size=7))
    layout, line = "", ""
    for at, (written, value) in enumerate(chosen):
        text = draw(LITERALS) if at else draw(st.one_of(st.just(""), LITERALS))
        if at and text[0] in chosen[at - 1][1]:
            text = "|" + text  # where a path is followed by a slash, nobody can tell where it ends
        if layout and language == "apache" and text.startswith("{"):
            text = "-"
        layout += text + written
        line += text + value
    if language == "haproxy":  # writes one blank for several
        line = re.sub(" +", " ", line).lstrip(" ")
    return language, layout, line


@given(layouts())
def test_any_layout_reads_the_lines_written_by_it(case: tuple[str, str, str]) -> None:
    language, layout, line = case
    found = import_layout(Layout(language, "x", layout, "here"))
    assert not found.problem, found.problem
    if found.known:
        return
    plan = compile_definition(parse_definition(found.text, Path("x.lark")))
    assert matcher_for(plan).match_line(line) is not None, f"{layout}\n{line}\n{found.text}"


@given(st.sampled_from(sorted(load_languages())), st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_a_layout_or_an_error_with_a_caret(language: str, text: str) -> None:
    found = import_layout(Layout(language, "x", text, "here"))
    if found.problem:
        assert found.problem.startswith("here") or "value" in found.problem
    elif found.text:
        compile_definition(parse_definition(found.text, Path("x.lark")))


@given(st.sampled_from([name for name, _, _ in FILES.values()]), st.data())
def test_damaged_configuration_is_no_reason_to_stop(name: str, data: st.DataObject) -> None:
    texts = [text for other, text, _ in FILES.values() if other == name]
    text = data.draw(st.sampled_from(texts))
    at = data.draw(st.integers(0, len(text)))
    cut = text[:at] + data.draw(st.text(max_size=5)) + text[at + data.draw(st.integers(0, 9)) :]
    assert isinstance(find_layouts(name, cut), list)
