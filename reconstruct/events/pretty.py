"""JSON objects written over several lines: the line that opens them, and each of them as one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

PRETTY_OPEN = "{"
"""A line that is only this, indented or not, opens a JSON object written over several lines."""


def find_pretty(lines: Sequence[str]) -> str:
    """The line that opens a JSON object written over several lines; empty when there is none.

    Not asked below text with moments: there such lines are part of an entry.
    """
    opens = {line.rstrip() for line in lines if line.strip() == PRETTY_OPEN}
    return min(opens, key=lambda line: (len(line), line), default="")


def join_pretty(lines: Sequence[str], opens: str) -> Iterator[str]:
    """The objects that begin with the line ``opens`` and end with its counterpart, each as one line."""
    closes = opens.replace("{", "}")
    held: list[str] = []
    for line in lines:
        text = line.rstrip().removesuffix(",") if held else line.rstrip()
        if text == opens:
            held = [text]
        elif held:
            held.append(text if text == closes else line)
            if text == closes:
                yield "".join(held)
                held = []
