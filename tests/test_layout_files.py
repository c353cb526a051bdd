"""Layouts are found in the configuration files of programs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.layouts.configuration import find_layouts
from reconstruct.layouts.importing import read_configuration
from reconstruct.layouts.languages import load_languages
from reconstruct.layouts.names import SUFFIXES

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


@given(st.sampled_from([name for name, _, _ in FILES.values()]), st.data())
def test_damaged_configuration_is_no_reason_to_stop(name: str, data: st.DataObject) -> None:
    texts = [text for other, text, _ in FILES.values() if other == name]
    text = data.draw(st.sampled_from(texts))
    at = data.draw(st.integers(0, len(text)))
    cut = text[:at] + data.draw(st.text(max_size=5)) + text[at + data.draw(st.integers(0, 9)) :]
    assert isinstance(find_layouts(name, cut), list)
