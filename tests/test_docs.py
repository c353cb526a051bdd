"""The documentation says what the program does: generated parts are current, names are complete, commands run, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

import reconstruct
from reconstruct import errors
from reconstruct.cli.formats import BUILT_IN_KINDS
from reconstruct.correlate.calibrate import PRIORS
from reconstruct.correlate.visits import RULES
from reconstruct.events.envelopes import KINDS as ENVELOPES
from reconstruct.events.schema import EVENTS
from reconstruct.export.document import SCHEMA_VERSION
from reconstruct.grammar.check import check_definition
from reconstruct.journeys.models import load_models
from reconstruct.query.fields import load_words
from reconstruct.query.parsing import parse_query
from reconstruct.resources import vocabulary_directory

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, ROOT / "CHANGELOG.md", ROOT / "grammars" / "README.md", *sorted(DOCS.glob("*.md"))]
SCHEMA = ROOT / "reconstruct" / "export" / "schema" / f"journeys-{SCHEMA_VERSION}.json"

HIDDEN_COLUMNS = {"offset", "length", "zoned", "time_ns"}
"""Columns of an event that the ``events`` output does not show (``time_ns`` is its ``time``)."""


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def reference() -> ModuleType:
    spec = spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named(text: str) -> set[str]:
    """Everything between single backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def section(page: str, heading: str) -> str:
    """A section of a page, up to the next heading of its level or above."""
    level = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"no section {heading}"
    return found[1]


# --- generated parts


def test_generated_parts_are_current() -> None:
    made = reference()
    for part, (name, make) in made.PARTS.items():
        page = read(name)
        assert made.renew(page, part, make()) == page, "run: python docs/make_reference.py"


def test_every_command_and_option_is_described() -> None:
    made = reference()
    page = read("cli.md")
    for line, parser, summary in made.commands_of(made.build_parser()):
        text = section(page, f"### {line}")
        assert summary, f"{line} has no help"
        for action in made.arguments_of(parser):
            for name in action.option_strings or [action.metavar]:
                assert name in text, f"{line} {name}"


def test_every_format_is_listed() -> None:
    known = {path.stem for path in (ROOT / "grammars" / "formats").glob("*.lark")} | set(BUILT_IN_KINDS)
    assert known <= named(section(read("formats.md"), "## Formats that ship"))


def test_every_envelope_is_listed() -> None:
    assert set(ENVELOPES) <= named(section(read("formats.md"), "## Envelopes"))


def test_every_field_of_queries_is_described() -> None:
    words, page = load_words(), named(section(read("query.md"), "## Fields"))
    for field in words.fields:
        said = [name for name, each in words.visible("journey") if each is field]
        assert said and set(said) <= page, field
        assert field.example.replace("|", "\\|") in page, field


def test_quoted_conditions_are_queries() -> None:
    rows = re.findall(r"^\| (`.*?`) \| ", section(read("query.md"), "## Conditions"), re.MULTILINE)
    found = [each for row in rows for each in re.findall(r"`([^`]+)`", row)]
    assert len(found) > 20
    for text in found:
        assert parse_query(text) is not None


# --- contracts


def keys_of(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for value in schema.values():
            yield from keys_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from keys_of(value)


def words_of(schema: Any) -> Iterator[str]:
    """Every word an ``enum`` of the schema allows."""
    if isinstance(schema, dict):
        yield from (word for word in schema.get("enum", ()) if isinstance(word, str))
        for value in schema.values():
            yield from words_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from words_of(value)


def test_every_key_and_word_of_the_export_is_described() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert {*keys_of(schema), *words_of(schema)} - named(read("json.md")) == set()


def test_every_key_of_events_is_described() -> None:
    keys = {*EVENTS.names, "time", "ids"} - HIDDEN_COLUMNS
    assert keys - named(section(read("json.md"), "## events")) == set()


def test_every_error_is_described() -> None:
    page = read("errors.md")
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.ReconstructError):
            assert name in page
        elif name.startswith("EXIT_"):
            assert re.search(rf"\| {value} \| `{name}` \|", page), name


def test_weights_are_those_of_the_vocabulary() -> None:
    friction = tomllib.loads((vocabulary_directory() / "friction.toml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", section(read("journeys.md"), "## Experience"), re.MULTILINE)
    assert {name: int(weight) for name, weight in rows} == friction["weight"]


def test_rules_and_their_priors_are_described() -> None:
    page = section(read("correlation.md"), "## The rules")
    rows = dict(re.findall(r"^\| `([^`]+)` \| .* \| ([^|]+) \|$", page, re.MULTILINE))
    assert set(RULES) <= set(rows)
    for rule, prior in PRIORS.items():
        said = re.search(r"\.\d\d$", rows[rule].strip())
        assert said and float(said[0]) == prior, f"{rule}: {prior}"


def test_every_rule_of_the_code_is_described() -> None:
    page = named(section(read("correlation.md"), "## The rules"))
    for path in (ROOT / "reconstruct" / "correlate").glob("*.py"):
        for rule in re.findall(r"'([a-z ]+)' AS rule|rule ``([a-z ]+)``", path.read_text(encoding="utf-8")):
            assert (rule[0] or rule[1]) in page, f"{path.name}: {rule}"


# --- examples


def test_the_example_format_is_right(tmp_path: Path) -> None:
    text = section(read("formats.md"), "## A format of your own in five minutes")
    grammar = re.search(r"```lark\n(.*?)```", text, re.DOTALL)
    lines = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert grammar and lines
    (tmp_path / "till.lark").write_text(re.sub("^   ", "", grammar[1], flags=re.MULTILINE))
    (tmp_path / "till.log").write_text(lines[1])
    assert check_definition(tmp_path / "till.lark") == []
    (tmp_path / "till.log").write_text(lines[1].replace("[INFO]", "INFO"))
    assert check_definition(tmp_path / "till.lark") != []


def test_the_example_model_is_right(tmp_path: Path) -> None:
    text = re.search(r"```toml\n(.*?)```", read("journeys.md"), re.DOTALL)
    assert text
    (tmp_path / "parts.toml").write_text(text[1])
    assert "parts" in load_models(tmp_path).models


def test_the_example_in_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    text = re.search(r"```python\n(.*?)```", read("query.md"), re.DOTALL)
    assert text
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(text[1], names)
    assert 0 < names["twice"].count_journeys() < names["results"].count_journeys()
    names["results"].close()


def commands_in(path: Path) -> list[str]:
    """Lines of shell blocks that run the program, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"\s+# .*$", "", line) for block in blocks for line in block.splitlines()]
    return [line for line in lines if "reconstruct" in line and "DIRECTORY" not in line]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the samples in it, where commands may leave files."""
    place = tmp_path_factory.mktemp("docs")
    (place / "samples").symlink_to(ROOT / "samples")
    program = place / ".venv" / "bin" / "reconstruct"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m reconstruct "$@"\n')
    program.chmod(0o755)
    return place


@pytest.mark.parametrize(
    "command",
    sorted(
        {
            *commands_in(README),
            *commands_in(DOCS / "cli.md"),
            *commands_in(DOCS / "query.md"),
            *commands_in(DOCS / "compare.md"),
        }
    ),
)
def test_quoted_commands_run(command: str, workplace: Path) -> None:
    path = f"{workplace / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    ran = subprocess.run(
        command, shell=True, cwd=workplace, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    output = re.search(r" -o ([\w.]+)", command)
    assert ran.stdout or (output and (workplace / output[1]).stat().st_size)


def test_the_readme_quotes_every_command_and_both_targets() -> None:
    text = README.read_text(encoding="utf-8")
    for command in ("export", "summary", "compare", "events", "plan", "explain", "formats list"):
        assert f"reconstruct {command}" in text
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
        assert target in targets


# --- pages


def anchors_of(page: str) -> set[str]:
    """Anchors of the headings, as code views make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name) if name else page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors_of(path.read_text(encoding="utf-8")), target


def test_every_page_is_in_the_index() -> None:
    index = read("index.md")
    assert [path.name for path in DOCS.glob("*.md") if path.name != "index.md" and f"({path.name})" not in index] == []


def test_the_glossary_has_every_term_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ", read("glossary.md"), re.MULTILINE)[1:]
    terms = [term for row in rows for term in re.split(r", | / ", row)]
    assert len(terms) == len(set(terms))
    assert {
        "source", "family", "envelope", "event", "line", "format", "field", "mention", "slot", "type", "role", "owner",
        "plan", "visit", "session", "touchpoint", "milestone", "stage", "goal", "outcome", "step", "trigger", "deviation",
        "link", "evidence", "experience", "friction", "journey model", "unparsed", "unattributed", "rule", "store",
    } <= set(terms)  # fmt: skip


def test_every_room_of_the_package_is_in_the_architecture() -> None:
    page = read("architecture.md")
    rooms = {path.name for path in (ROOT / "reconstruct").iterdir() if (path / "__init__.py").is_file()}
    assert {room for room in rooms if f"{room}/" not in page} == set()


def test_the_changelog_knows_the_version() -> None:
    """Under Unreleased what is to come; below it every release, the newest first and equal to the program's version."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert section(text, "## [Unreleased]").strip()
    assert re.fullmatch(r"\d+\.\d+\.\d+", reconstruct.__version__)
    assert headings[1:2] in ([], [reconstruct.__version__])
    assert f"`{reconstruct.__version__}`" in text or headings[1:]


@pytest.mark.parametrize("name", ["journeys", "timeline", "funnel", "raw", "quality", "identifiers"])
def test_pictures_are_whole_and_fetch_nothing(name: str) -> None:
    text = (DOCS / "screenshots" / f"{name}.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "url(http" not in text and "@font-face" not in text
