"""What a grammar expects, in words."""

from __future__ import annotations

import re

from reconstruct.grammar.definition import read_declarations
from reconstruct.grammar.loading import field_name, read_common
from reconstruct.grammar.plans import MatchPlan

_COMMENT = re.compile(r"\s//\s*(.+)$")


def say_expected(plan: MatchPlan, label: str) -> str:
    """What could have stood somewhere: ``TIME: HTTP_DATE (02/Jan/2026:15:04:05 +0000)``.

    A label is a terminal, literal text in quotes, or ``end of line``."""
    if label == "end of line":
        return "the end of the line"
    if label == '" "':
        return "a blank"
    if label.startswith('"'):
        return f"the text {label}"
    common = read_common().declared
    declared = read_declarations(plan.text).get(label)
    kinds = [each for each in (label, *(declared.mentions if declared else ())) if each in common]
    kinds = kinds or [plan.decoders.get(field_name(label) or "", "")]
    said = [each + _example(each) for each in dict.fromkeys(kinds) if each]
    return f"{label}: {' or '.join(said)}".replace(f"{label}: {label}", label) if said else label


def _example(kind: str) -> str:
    """The comment behind a type of ``common.lark``, without what it notes behind a semicolon."""
    common = read_common()
    found = _COMMENT.search(common.text.split("\n")[common.declared[kind].line - 1])
    return f" ({found[1].partition(';')[0]})" if found else ""
