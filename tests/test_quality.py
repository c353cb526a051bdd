"""How much of the logs was understood, and how near the rest came."""

from __future__ import annotations

import io
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command import ACCESS, reconstruct

from reconstruct.export.document import write_json
from reconstruct.figures import share_lines
from reconstruct.options import Forced, Options
from reconstruct.pipeline import open_paths

SCHEMA = json.loads((files("reconstruct") / "export" / "schema" / "journeys-1.0.json").read_text(encoding="utf-8"))


def export(path: Path, **options: Any) -> dict[str, Any]:
    results = open_paths([path], Options(cache=False, workers=1, **options))
    out = io.BytesIO()
    write_json(results, out)
    results.close()
    document: dict[str, Any] = json.loads(out.getvalue())
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


@pytest.mark.parametrize(
    ("source", "shares"),
    [
        ({"lines": 0, "blank": 0, "unparsed": 0, "formats": {}}, (1.0, 0.0, 0.0)),
        ({"lines": 10, "blank": 2, "unparsed": 2, "formats": {"combined": 4, "generic": 2}}, (0.5, 0.25, 0.25)),
        ({"lines": 4, "blank": 0, "unparsed": 0, "formats": {"docker/combined": 2, "docker": 2}}, (0.5, 0.5, 0.0)),
        ({"lines": 3, "blank": 0, "unparsed": 1, "formats": {"docker/generic": 1}}, (0.3334, 0.3333, 0.3333)),
    ],
)
def test_shares_are_of_lines_that_are_not_blank(source: dict[str, Any], shares: tuple[float, ...]) -> None:
    found = share_lines([source])
    assert tuple(found[name] for name in ("parsed", "generic", "unparsed")) == shares


def test_unparsed_lines_say_how_near_they_came(tmp_path: Path) -> None:
    lines = [ACCESS.format(n=n) for n in range(1, 8)]
    (tmp_path / "a.log").write_text(
        "".join(lines) + lines[0].replace(" 200 ", " 2x0 ") + "core \x1b[31mdumped\n" + "\n"
    )
    document = export(tmp_path, forced=(Forced("a.log", "combined", "--format"),))
    (source,) = document["sources"]
    assert (source["lines"], source["events"], source["unparsed"], source["blank"]) == (10, 7, 2, 1)
    quality = source["quality"]
    assert (quality["parsed"], quality["generic"], quality["unparsed"]) == (0.7778, 0.0, 0.2222)
    near, far = quality["samples"]
    assert near["line"] == 8 and near["text"].startswith("192.0.2.1 - - [")
    assert near["nearest"] == {"format": "combined", "column": 64, "expected": ["STATUS: HTTP_STATUS"]}
    assert far == {"line": 9, "text": "core dumped", "generic": False, "nearest": None}
    assert document["summary"]["quality"]["unparsed"] == 2
    assert document["summary"]["quality"]["parsed_share"] == 0.7778


def test_lines_known_by_their_moment_only_have_samples_too(tmp_path: Path) -> None:
    """With the format that came nearest, like those that nothing reads, and behind those."""
    odd = [f"2026-05-10T10:{n:02d}:00Z <<job {n}>> done\n" for n in range(40)]
    (tmp_path / "a.log").write_text("core dumped\n" + "".join(odd))
    (source,) = export(tmp_path)["sources"]
    assert source["formats"] == {"generic": 40}
    first, *others = source["quality"]["samples"]
    assert (first["line"], first["generic"]) == (1, False)
    assert [(each["line"], each["generic"]) for each in others] == [(n, True) for n in range(2, 7)]
    assert others[0]["nearest"]["format"]
    shown = reconstruct("summary", tmp_path, "--no-cache").stdout
    assert "a.log: 97.6% known by their moment only, the first is line 2" in shown


def test_samples_are_few_and_short(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(ACCESS.format(n=1) + "".join(f"{'x' * 5000} {n}\n" for n in range(50)))
    (source,) = export(tmp_path)["sources"]
    samples = source["quality"]["samples"]
    assert source["unparsed"] == 50
    assert len(samples) == 5
    assert max(len(sample["text"]) for sample in samples) == 300


def test_the_summary_says_it_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        "".join(f"2026-05-10 10:{n:02d}:00,123 INFO [shop.orders] order {n} paid\n" for n in range(40))
    )
    (tmp_path / "b.log").write_text(ACCESS.format(n=1) + "core dumped\n" + "2026-03-10T10:00:07Z ??\n")
    shown = reconstruct("summary", tmp_path, "--no-cache").stdout
    assert "understood: 95.3% read, 2.3% known by their moment only, 2.3% not read" in shown
    assert "b.log: 1 unparsed, the first is line 2" in shown
    assert "a.log: zone +00:00 assumed (no zone in its stamps" in shown


def test_the_same_answer_whatever_else_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.log").write_text(ACCESS.format(n=1) + ACCESS.format(n=2).replace(" 200 ", " 2x0 ") + "core dumped\n")
    alone = export(tmp_path)["sources"][0]["quality"]
    (tmp_path / "a.log").write_text("".join(ACCESS.format(n=n) for n in range(1, 20)))
    beside = next(each for each in export(tmp_path)["sources"] if each["path"] == "m.log")["quality"]
    assert {**alone, "timezone_why": ""} == {**beside, "timezone_why": ""}
