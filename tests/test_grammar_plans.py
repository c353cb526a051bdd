"""Finding formats, and keeping their plans."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from reconstruct.errors import GrammarError
from reconstruct.grammar import definition, loading, plans
from reconstruct.grammar.definition import load_definitions, parse_definition, read_declarations
from reconstruct.grammar.matcher import matcher_for
from reconstruct.grammar.plans import CACHE_NAME, load_plans, refused_formats
from reconstruct.resources import grammars_directory

HEADER = "// title: Mine\n// kind: access\n// docs: https://www.example.com/\n// wins_over: combined, common\n"
GRAMMAR = HEADER + "start: ID\nID: /\\d+/\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with an empty cache and configuration, on an installation that knows two formats."""
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("RECONSTRUCT_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "config" / "formats").mkdir(parents=True)
    built_in = tmp_path / "grammars"
    (built_in / "formats").mkdir(parents=True)
    for name in ("common.lark", "formats/common.lark", "formats/combined.lark"):
        shutil.copy(grammars_directory() / name, built_in / name)
    for module in (definition, loading, plans):
        monkeypatch.setattr(module, "grammars_directory", lambda: built_in)
    return tmp_path


def test_header() -> None:
    found = parse_definition(GRAMMAR, Path("dir/mine.lark"))
    assert (found.id, found.title, found.kind) == ("mine", "Mine", "access")
    assert found.docs == "https://www.example.com/"
    assert found.wins_over == ("combined", "common")


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("start: ID\n", "the header lacks `// title:`", (1, 1)),
        (GRAMMAR.replace("// docs: https://www.example.com/\n", ""), "lacks `// docs:`", (1, 1)),
        (GRAMMAR.replace("access", "acess"), "unknown kind 'acess'", (2, 10)),
        ("\n\nstart: ID\n// title: too late\n", "lacks `// title:`", (1, 1)),
    ],
)
def test_incomplete_headers(text: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(GrammarError, match=message) as caught:
        parse_definition(text, Path("mine.lark"))
    assert (caught.value.line, caught.value.column) == place
    assert caught.value.hint


def test_declarations() -> None:
    text = 'start: A " b: C" // D\n     | e\n!?e.2: /F:/ G\n\nA: "x"i | H\n%import common (H, G)\nG2: H\n'
    found = read_declarations(text)
    assert {name: (one.line, one.column, one.end, one.mentions) for name, one in found.items()} == {
        "start": (1, 1, 3, ("A", "e")),
        "e": (3, 3, 5, ("G",)),
        "A": (5, 1, 6, ("H",)),
        "G2": (7, 1, 9, ("H",)),
    }


def test_user_formats_win(home: Path) -> None:
    own = home / "config" / "formats"
    (own / "mine.lark").write_text(GRAMMAR)
    (own / "common.lark").write_text(GRAMMAR)
    definitions = load_definitions()
    assert definitions["mine"].path == own / "mine.lark"
    assert definitions["common"].title == "Mine"
    assert definitions["combined"].title != "Mine"
    assert list(definitions) == sorted(definitions)

    given = home / "given"
    given.mkdir()
    (given / "mine.lark").write_text(GRAMMAR.replace("Mine", "Given"))
    assert load_definitions([given])["mine"].title == "Given"


def test_a_user_format_imports_the_built_in_types(home: Path) -> None:
    text = HEADER + 'start: USER " " request\nUSER: WORD\n%import common (WORD, request)\n'
    (home / "config" / "formats" / "mine.lark").write_text(text)
    assert matcher_for(load_plans()["mine"]).match_line('bob "GET /a"') == {
        "user": "bob",
        "method": "GET",
        "target": "/a",
    }


def test_plans_survive_the_cache(home: Path) -> None:
    cold = load_plans()
    assert (home / "cache" / CACHE_NAME).is_file()
    assert load_plans() == cold


def test_a_changed_grammar_is_compiled_again(home: Path) -> None:
    path = home / "config" / "formats" / "mine.lark"
    path.write_text(GRAMMAR)
    assert load_plans()["mine"].fields == ("id",)
    path.write_text(GRAMMAR.replace("ID", "USER"))
    assert load_plans()["mine"].fields == ("user",)


@pytest.mark.parametrize("content", [b"", b"[]", b"{not json", b'{"a": 1}'])
def test_a_damaged_cache_is_replaced(home: Path, content: bytes) -> None:
    good = load_plans()
    cache = home / "cache" / CACHE_NAME
    whole = cache.read_bytes()
    cache.write_bytes(content)
    assert load_plans() == good
    assert len(orjson.loads(cache.read_bytes())) >= len(orjson.loads(whole))

    broken = {key: {**plan, "scan": None} for key, plan in orjson.loads(whole).items()}
    cache.write_bytes(orjson.dumps(broken))
    assert load_plans() == good


def test_a_cache_that_cannot_be_written_is_no_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocker = home / "file"
    blocker.write_text("not a directory")
    monkeypatch.setenv("RECONSTRUCT_CACHE_DIR", str(blocker / "cache"))
    assert "combined" in load_plans()


def test_a_broken_user_format_is_named(home: Path) -> None:
    (home / "config" / "formats" / "mine.lark").write_text(GRAMMAR + "ID: x\n")
    assert "mine" not in load_plans()
    assert "combined" in load_plans(), "one bad file of the user does not stop the rest"
    assert "mine.lark" in {Path(error.path).name for error in refused_formats()}


WARM = """
import json, sys
from reconstruct.grammar.matcher import matcher_for
from reconstruct.grammar.plans import load_plans
line = '192.0.2.7 - - [02/Jan/2026:15:04:05 +0000] "GET / HTTP/1.1" 200 5'
found = matcher_for(load_plans()["common"]).match_line(line)
print(json.dumps([sorted(name for name in sys.modules if name.split(".")[0] == "lark"), found["status"]]))
"""


def test_a_warm_start_does_not_import_lark() -> None:
    load_plans()
    run = subprocess.run([sys.executable, "-c", WARM], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert json.loads(run.stdout) == [[], "200"]
