"""``reconstruct.toml``, and what the user says against what was recognised."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from command import ACCESS, assert_refused, reconstruct

from reconstruct.configuration import CONFIGURATION, load_configuration, read_configuration
from reconstruct.errors import ConfigurationError, UsageError
from reconstruct.export.events import write_events
from reconstruct.options import Forced, Options, Pin, Pins, matches
from reconstruct.pipeline import content_key, find_sources, open_paths

LINES = "".join(ACCESS.format(n=n) for n in range(1, 9))
GRAMMAR = """\
// title: Till
// kind: application
// docs: https://example.com/till
start: TIME " [" LEVEL "] till=" TILL " " MESSAGE
TIME: DAY_MONTH_DATE
LEVEL: LOG_LEVEL
TILL: COUNT
MESSAGE: REST
%import common (DAY_MONTH_DATE, LOG_LEVEL, COUNT, REST)
"""
TILL = "02-Jan-2026 15:04:05 [INFO] till=3 receipt 4711 opened\n02-Jan-2026 15:04:09 [WARN] till=3 no answer\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    (directory / "old").mkdir(parents=True)
    (directory / "access.log").write_text(LINES)
    (directory / "old" / "x.trace").write_text(LINES.replace("/p/", "/q/"))
    return directory


def write(directory: Path, text: str) -> Path:
    path = directory / CONFIGURATION
    path.write_text(text)
    return path


def read_events(path: Path, **options: Any) -> list[dict[str, Any]]:
    results = open_paths([path], Options(cache=False, workers=1, **options))
    out = io.BytesIO()
    write_events(results, out)
    results.close()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_everything_is_optional(tmp_path: Path) -> None:
    assert load_configuration([tmp_path]).formats == ()
    found = read_configuration(write(tmp_path, ""))
    assert (found.formats, found.exclude, found.timezone_s) == ((), (), None)


def test_every_key_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'timezone = "+01:30"\n[formats]\n"a/*" = "squid"\nb = "json"\n[sources]\nexclude = ["old", "*.trace"]\n',
    )
    found = load_configuration([tmp_path])
    assert found.path == path
    assert found.formats == (Forced("a/*", "squid", str(path)), Forced("b", "json", str(path)))
    assert (found.exclude, found.timezone_s) == (("old", "*.trace"), 5400)


def test_the_plan_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        '[plan]\nignore = ["query:ref"]\n[plan.types.order]\nrole = "object"\n[plan.types.trip]\nslots = ["key:trip"]\nowner = ""\n',
    )
    pins = load_configuration([tmp_path]).pins
    assert pins == Pins((Pin("order", role="object"), Pin("trip", slots=("key:trip",), owner="")), ("query:ref",))


def test_a_written_plan_is_found_beside_the_logs(logs: Path) -> None:
    before = reconstruct("summary", logs, "--no-cache").stdout
    place = logs / "reconstruct.toml"
    place.write_text('timezone = "UTC"\n')
    assert "edit it" in reconstruct("plan", logs, "--no-cache", "--write", place).stderr
    assert place.read_text().startswith('timezone = "UTC"')
    after = reconstruct("summary", logs, "--no-cache")
    assert after.stderr == ""
    assert after.stdout.splitlines()[0] == before.splitlines()[0]  # it is no log
    with place.open("a") as more:
        more.write('[plan.types.booking]\nrole = "object"\n')
    assert (
        "plan.types.booking: there is no such type in these logs" in reconstruct("summary", logs, "--no-cache").stderr
    )
    again = reconstruct("plan", logs, "--no-cache", "--write", place)
    assert (again.returncode, "has a plan already" in again.stderr) == (2, True)


def test_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, logs, given = tmp_path / "here", tmp_path / "logs", tmp_path / "mine.toml"
    for directory in (here, logs):
        directory.mkdir()
    write(here, 'timezone = "+01:00"\n')
    given.write_text('timezone = "+03:00"\n')
    monkeypatch.chdir(here)
    assert load_configuration([logs]).timezone_s == 3600
    write(logs, 'timezone = "+02:00"\n')
    assert load_configuration([logs]).timezone_s == 7200
    assert load_configuration([logs], given).timezone_s == 10800
    assert load_configuration([logs], given).region == ""
    write(logs, 'timezone = "Asia/Tokyo"\n')
    assert (load_configuration([logs]).timezone_s, load_configuration([logs]).region) == (32400, "Asia/Tokyo")


@pytest.mark.parametrize(
    ("text", "key", "message", "hint"),
    [
        ("formatz = 1", "formatz", "unknown key formatz", "did you mean formats?"),
        ("zzz = 1", "zzz", "unknown key zzz", "known: formats, model, sources, plan, timezone"),
        ("[plan]\nignored = []", "plan.ignored", "unknown key plan.ignored", "did you mean plan.ignore?"),
        ("[plan]\nignore = 1", "plan.ignore", "a list of texts, not a number", "ignore = ["),
        ("[plan.types]\norder = 1", "plan.types.order", "a section, not a number", "write [plan.types.order]"),
        (
            "[plan.types.order]\nrol = 1",
            "plan.types.order.rol",
            "unknown key plan.types.order.rol",
            "plan.types.order.role?",
        ),
        ('[plan.types.order]\nrole = "objekt"', "plan.types.order.role", "is no role: objekt", "did you mean object?"),
        ("[plan.types.order]\nrole = 1", "plan.types.order.role", "a text, not a number", '"order"'),
        ("[plan.types.order]\nslots = 1", "plan.types.order.slots", "a list of texts", "slots = ["),
        ("[sources]\nexlude = []", "sources.exlude", "unknown key sources.exlude", "did you mean sources.exclude?"),
        ("sources = 3", "sources", "a section, not a number", "write [sources]"),
        ('[sources]\nexclude = "x"', "sources.exclude", "a list of patterns, not a text", "exclude = ["),
        ("[sources]\nexclude = [1]", "sources.exclude", "a list of patterns", "exclude = ["),
        ('[formats]\n"a" = 1', 'formats."a"', "the id of a format, not a number", '"combined"'),
        ('timezone = "Mars"', "timezone", "timezone 'Mars' is no zone", "Europe/Paris"),
        ("timezone = 1", "timezone", "timezone a number is no zone", "Europe/Paris"),
        ("[formats", "", "Expected", "toml.io"),
    ],
)
def test_errors_name_file_key_and_what_to_write(tmp_path: Path, text: str, key: str, message: str, hint: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(path)
    assert caught.value.key == key
    assert str(path) in caught.value.message and message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("glob", "path", "is_meant"),
    [
        ("*.log", "a/b.log", True),
        ("b.log", "a/b.log", True),
        ("a", "a/b.log", True),
        ("a/*", "a/c/b.log", True),
        ("./a/*", "a/b.log", True),
        ("b", "a/b.log", False),
        ("c/*", "a/c/b.log", False),
        ("*.LOG", "b.log", False),
    ],
)
def test_patterns(glob: str, path: str, is_meant: bool) -> None:
    assert matches(glob, path) == is_meant


def test_what_is_excluded_is_listed(logs: Path) -> None:
    discovery = find_sources([logs], Options(exclude=("old",)))
    assert [source.path for source in discovery.sources] == ["access.log"]
    assert [(each.path, each.reason) for each in discovery.skipped] == [("old/x.trace", "excluded by old")]
    found = reconstruct("summary", logs, "--exclude", "*.trace", "--exclude", "nothing", "--no-cache")
    assert "not read: old/x.trace (excluded by *.trace)" in found.stdout
    assert "warning: no source matches nothing" in found.stderr


def test_a_format_that_is_forced_is_the_only_one(logs: Path) -> None:
    forced = (Forced("access.log", "generic", "--format"),)
    rows = read_events(logs, forced=forced)
    assert {(row["source"], row["format"]) for row in rows} == {("access.log", "generic"), ("old/x.trace", "combined")}
    rows = read_events(logs, forced=(Forced("access.log", "squid", "--format"),))
    assert {row["source"] for row in rows} == {"old/x.trace"}


def test_no_json_is_read_where_text_is_forced(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text('{\n  "time": "2026-03-10T10:00:07Z",\n  "msg": "paid"\n}\n' + LINES)
    assert {row["format"] for row in read_events(tmp_path)} == {"json", "combined"}
    rows = read_events(tmp_path, forced=(Forced("a.log", "combined", "--format"),))
    assert {row["format"] for row in rows} == {"combined"}


def test_the_first_pattern_counts_and_the_command_line_comes_first(logs: Path) -> None:
    write(logs, '[formats]\n"*.log" = "squid"\n')
    found = reconstruct("events", logs, "--format", "access.log=common_tail", "--no-cache")
    formats = {json.loads(line)["source"]: json.loads(line)["format"] for line in found.stdout.splitlines()}
    assert formats == {"access.log": "common_tail", "old/x.trace": "combined"}
    assert reconstruct("summary", logs, "--no-cache").stdout.count("squid") == 0


def test_a_forced_format_is_looked_for_inside_its_envelope(tmp_path: Path) -> None:
    entry = {"log": ACCESS.format(n=7), "stream": "stdout", "time": "2026-03-10T10:00:07.123456789Z"}
    (tmp_path / "pod.log").write_text(json.dumps(entry) + "\n")
    (row,) = read_events(tmp_path, forced=(Forced("pod.log", "common_tail", "--format"),))
    assert row["format"] == "docker/common_tail"


def test_forcing_an_unknown_format_is_refused(logs: Path) -> None:
    with pytest.raises(UsageError, match="no format is called combind") as caught:
        find_sources([logs], Options(forced=(Forced("*.log", "combind", "--format"),)))
    assert caught.value.hint == "did you mean combined?"
    write(logs, '[formats]\n"*.log" = "combind"\n')
    assert_refused(reconstruct("summary", logs), 2, CONFIGURATION, "did you mean combined?")


def test_what_the_user_says_is_part_of_what_is_kept(logs: Path) -> None:
    settings = [
        Options(),
        Options(exclude=("*.gz",)),
        Options(forced=(Forced("*.log", "common_tail", "--format"),)),
        Options(timezone_s=3600),
    ]
    keys = {content_key(find_sources([logs], options), options) for options in settings}
    (logs / "till.lark").write_text(GRAMMAR)
    keys.add(content_key(find_sources([logs], Options()), Options()))
    assert len(keys) == len(settings) + 1


@pytest.mark.parametrize("place", [".", "formats"])
def test_a_grammar_beside_the_logs_is_known(tmp_path: Path, place: str) -> None:
    (tmp_path / "till.log").write_text(TILL)
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "till.lark").write_text(GRAMMAR)
    rows = read_events(tmp_path)
    assert [(row["source"], row["format"], row["attributes"]["till"]) for row in rows] == [("till.log", "till", 3)] * 2


def test_a_grammar_beside_the_logs_wins_over_a_built_in_one(logs: Path) -> None:
    (logs / "combined.lark").write_text(
        '// title: Ours\n// kind: access\n// docs: none\nstart: CLIENT_IP " " REST_OF_IT\n'
        "CLIENT_IP: IP\nREST_OF_IT: REST\n%import common (IP, REST)\n"
    )
    (row, *_) = read_events(logs, forced=(Forced("access.log", "combined", "--format"),))
    assert row["attributes"]["rest_of_it"].startswith("- - [10/Mar")


def test_a_grammar_beside_the_configuration_is_known(tmp_path: Path) -> None:
    logs, project = tmp_path / "logs", tmp_path / "project"
    for directory in (logs, project / "formats"):
        directory.mkdir(parents=True)
    (logs / "till.log").write_text(TILL)
    (project / "formats" / "till.lark").write_text(GRAMMAR)
    found = reconstruct("events", logs, "--config", write(project, ""), "--no-cache")
    assert [json.loads(line)["format"] for line in found.stdout.splitlines()] == ["till", "till"]


def test_a_wrong_grammar_beside_the_logs_is_left_out_and_named(logs: Path) -> None:
    (logs / "till.lark").write_text(GRAMMAR.replace("MESSAGE: REST", ""))
    found = reconstruct("summary", logs, "--no-cache")
    assert found.returncode == 0
    assert "warning: a format is left out" in found.stderr and "till.lark:4:" in found.stderr
