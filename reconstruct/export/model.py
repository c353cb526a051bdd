"""A journey model drafted from the data, as the ``[model]`` section of a ``reconstruct.toml``: to be read, edited and kept.

It says what the model that was used says, so that it changes nothing as it is; beside it stands, as comments, what was
found: touchpoints by stage, routes nothing is known of, steps of the business and their usual waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from reconstruct.export.plan import comment, quote
from reconstruct.journeys.activities import Classifier, plain, words_of
from reconstruct.journeys.axis import say_duration
from reconstruct.journeys.models import STAGES, load_models

NAME = "mine"
"""What a draft is called."""
SHOWN = 12
"""Activities listed per stage, steps per type of object and unknown routes: the most frequent, a page in all."""
UNKNOWN_LEAST = 3
"""Requests of a route nothing is known of that make it worth naming."""

HEAD = """\
# What visitors want here and how it shows. It began as “{title}”, the model whose words cover these logs best ({coverage:.0%} of the requests),
# and says the same until it is changed; docs/journeys.md explains the keys. A [model] section without `use` is one choice among all.
"""


def render_model(used: Mapping[str, Any], documents: Iterable[bytes], processes: Sequence[Mapping[str, Any]]) -> str:
    """The section.

    Args:
        used: ``Reconstruction.model()``.
        documents: Journey documents as JSON.
        processes: ``summary.processes``.
    """
    stages: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}
    requests: Counter[tuple[str, str, str]] = Counter()
    for document in map(orjson.loads, documents):
        if document["session"]["agent_kind"] in ("bot", "monitor"):
            continue
        for touchpoint in document["customer_journey"]["touchpoints"]:
            activity = plain(touchpoint["activity"])
            if touchpoint["ok"]:
                stages[touchpoint["stage"]][activity] += 1
            route = touchpoint["route"]
            if touchpoint["ok"] and touchpoint["method"] and route:
                requests[touchpoint["method"], route, activity] += 1
    classifier = Classifier(load_models())
    unknown = Counter({key: n for key, n in requests.items() if not classifier.classify(key[0], key[1], None).kind})
    parts = [HEAD.format(title=comment(used["title"]), coverage=used["coverage"]), f"[model.{NAME}]\n"]
    parts += [f"title = {quote(used['title'])}\n", f"evidence = {_list(used['evidence'])}\n"]
    parts += map(_goal, used["goals"])
    parts += [*_stages(stages), *_unknown(unknown), *_steps(processes)]
    return "".join(parts)


def _goal(goal: Mapping[str, Any]) -> str:
    lines = ["", f"[[model.{NAME}.goal]]", f"name = {quote(goal['name'])}"]
    for key, value in goal.items():
        if isinstance(value, list) and value:
            lines.append(f"{key} = {_list(value)}")
        elif value is True:
            lines.append(f"{key} = true")
    return "\n".join(lines) + "\n"


def _stages(stages: Mapping[str, Counter[str]]) -> list[str]:
    lines = [
        '\n# The stages, and what visitors did in each. To move a kind of touchpoint: view_product = "consideration"\n'
    ]
    for stage, counts in stages.items():
        told = ", ".join(f"{activity} {n:,}" for activity, n in _most(counts)[:SHOWN])
        lines.append(f"#   {stage}: {comment(told) or 'nothing'}\n")
    return [*lines, f"[model.{NAME}.stage]\n"]


def _unknown(unknown: Counter[tuple[str, str, str]]) -> list[str]:
    found = [(key, n) for key, n in _most(unknown)[:SHOWN] if n >= UNKNOWN_LEAST]
    if not found:
        return []
    lines = ["\n# Requests nothing is known of. To name one:\n"]
    for (method, route, activity), n in found:
        word = "_".join(words_of(activity.partition(" ")[2]).split())
        lines += [
            f"#   {n:,} times {comment(method)} {comment(route)}\n",
            f'# [[model.{NAME}.touchpoint]]\n# kind = {quote(word)}\n# activity = {quote(activity)}\n# stage = "interest"\n',
            f"# all = [{quote(word)}]\n",
            f"# [model.{NAME}.words]\n# {word} = [{quote(word.replace('_', ' '))}]\n",
        ]
    return [comment_lines(line) for line in lines]


def _steps(processes: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for process in processes:
        each = f"{comment(process['type'])} ({process['journeys']:,} seen)"
        lines.append(f"\n# What the business does for each {each}, and the usual wait before it:\n")
        for step in process["steps"][:SHOWN]:
            wait = ""
            if step["wait_p50_ms"] is not None:
                half, most = (say_duration(step[key] * 1_000_000) for key in ("wait_p50_ms", "wait_p95_ms"))
                wait = f", half after {half}, 95 % within {most}"
            lines.append(f"#   {comment(step['activity'])}: {step['share']:.0%}{wait}\n")
    if lines:
        lines.append(
            "# To name one by words of its messages:\n"
            f'# [[model.{NAME}.step]]\n# activity = "Part picked"\n# words = ["picked from shelf"]\n# state = "progress"\n'
        )
    return lines


def comment_lines(text: str) -> str:
    """Text whose every line is a comment already, with nothing in it that could end one."""
    return "".join(character if character.isprintable() or character == "\n" else " " for character in text)


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(quote(text) for text in texts)}]"


def _most(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
