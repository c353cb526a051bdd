"""Layouts in a program's own configuration become formats: by ``formats import``, and by lying among the logs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laid_out import CASES, IDS, NGINX, Fields, access_lines, assert_holds, configure, read_events

from reconstruct.cli import main
from reconstruct.grammar.compiler import compile_definition
from reconstruct.grammar.definition import KINDS, parse_definition
from reconstruct.grammar.matcher import matcher_for
from reconstruct.layouts.configuration import Layout
from reconstruct.layouts.importing import guess_language, import_layout
from reconstruct.layouts.languages import load_languages


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
