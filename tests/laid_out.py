"""Layouts with lines written by them (``layouts.toml``), and logs with configuration beside them."""

from __future__ import annotations

import json
import tomllib
from html import escape
from pathlib import Path
from typing import Any

import yaml

from reconstruct.cli import main

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


def access_lines(tail: str, count: int = 5) -> str:
    head = '192.0.2.{n} - - [02/Jan/2026:15:04:0{n} +0000] "GET /a HTTP/1.1" 200 12 "-" "Moz"'
    return "".join(f"{head.format(n=n)} {tail}\n" for n in range(1, count + 1))


NGINX = (
    "log_format {name} '$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent '\n"
    '  \'"$http_referer" "$http_user_agent" {tail}\';\n'
)
