"""Every key of the interface, by intent. Ids are stable: users remap keys by id, the help sheet is made from these.

The same key means the same in every view; a capital is the reverse or the stronger form; nothing is reachable by a
function key alone, nor by keys terminals and multiplexers keep for themselves (^e ^j ^k ^s).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from textual.binding import Binding
from textual.keys import _character_to_key


def key(keys: str, action: str, description: str, id: str, *, show: bool = False) -> Binding:
    """One binding; ``show`` puts it on the key strip, under the first of its keys."""
    return Binding(keys, action, description, id=id, show=show)


GLOBAL = [
    key("1", "view('journeys')", "Journeys", "view.journeys"),
    key("2", "view('timeline')", "Timeline", "view.timeline"),
    key("3", "view('funnel')", "Funnel", "view.funnel"),
    key("4", "view('raw')", "Raw lines", "view.raw"),
    key("5", "view('quality')", "Quality", "view.quality"),
    key("6", "view('identifiers')", "Identifiers", "view.identifiers"),
    key("7", "view('compare')", "Compare", "view.compare"),
    key("tab", "focus_next", "Next pane", "pane.next"),
    key("shift+tab", "focus_previous", "Previous pane", "pane.previous"),
    key("d", "screen.toggle_detail", "Detail pane", "detail.toggle", show=True),
    key("x", "export", "Export", "export.journey", show=True),
    key("Y", "copy_journey", "Copy this journey as JSON", "journey.copy"),
    key("t", "compare_journey", "Compare with a journey", "compare.journeys"),
    key("T", "compare_sets", "Compare what is filtered", "compare.sets"),
    key("left_curly_bracket", "journey(-1)", "Previous journey", "journey.previous"),
    key("right_curly_bracket", "journey(1)", "Next journey", "journey.next"),
    key("L", "follow", "Follow the logs, or stop", "logs.follow"),
    key("A", "ascii", "ASCII or full character set", "view.ascii"),
    key("question_mark,f1", "help", "Keys", "help.keys", show=True),
    key("ctrl+p", "command_palette", "Commands", "palette.open", show=True),
    key("q,escape,backspace", "leave", "Back, or quit", "view.back", show=True),
    key("ctrl+q", "quit", "Quit", "app.quit"),
]

MOVE = [
    key("j,down", "move(1)", "Down", "move.down"),
    key("k,up", "move(-1)", "Up", "move.up"),
    key("ctrl+d", "move_page(0.5)", "Half a page down", "move.half_down"),
    key("ctrl+u", "move_page(-0.5)", "Half a page up", "move.half_up"),
    key("pagedown,space", "move_page(1)", "Page down", "move.page_down"),
    key("pageup,b", "move_page(-1)", "Page up", "move.page_up"),
    key("g,home", "move_to(0)", "Top", "move.top"),
    key("G,end", "move_to(-1)", "Bottom", "move.bottom"),
]

LIST = [
    key("enter", "open", "Open", "list.open", show=True),
    key("slash,f", "screen.filter", "Filter", "list.filter", show=True),
    key("F", "screen.clear_filter", "Clear the filter", "list.clear_filter"),
    key("S", "screen.sort_menu", "Sort by column", "list.sort", show=True),
    key("R", "reverse", "Reverse the order", "list.reverse"),
    key("v", "screen.arrange_menu", "Arrange by customer, object, variant …", "list.arrange", show=True),
    key("C", "screen.columns_menu", "Columns to show", "list.columns"),
    key("e", "error(1)", "Next error", "error.next"),
    key("E", "error(-1)", "Previous error", "error.previous"),
]

GROUPED = [
    key("enter", "open", "Open", "list.open", show=True),
    key("slash,f", "screen.filter", "Filter", "list.filter", show=True),
    key("F", "screen.clear_filter", "Clear the filter", "list.clear_filter"),
    key("S", "screen.sort_menu", "Sort by column", "list.sort", show=True),
    key("v", "screen.arrange_menu", "Arrange by customer, object, variant …", "list.arrange", show=True),
]
"""Of the list of journeys while it is arranged in groups."""

TABLE = [key("enter", "open", "Open", "table.open")]

DOORS = [key("enter", "open", "Open", "list.open", show=True)]
"""Of a table whose rows open what they count."""

PAGED = [
    key("p", "screen.page(1)", "Next page of this view", "page.next", show=True),
    key("P", "screen.page(-1)", "Previous page of this view", "page.previous"),
]

FUNNEL = [
    *PAGED,
    key("o", "screen.subject_menu", "Whose ways: customers, or a business object", "ways.subject", show=True),
    key("F", "screen.clear_filter", "Clear the filter", "list.clear_filter"),
]

CHART = [
    key("l,right", "slice(1)", "Later", "chart.later", show=True),
    key("h,left", "slice(-1)", "Earlier", "chart.earlier", show=True),
    key("g,home", "slice_to(0)", "Begin of the logs", "chart.first"),
    key("G,end", "slice_to(-1)", "End of the logs", "chart.last"),
    key("enter", "open", "Open", "list.open", show=True),
]

TIMELINE = [
    key("l,right", "step(1)", "Next event in this lane", "lane.next", show=True),
    key("h,left", "step(-1)", "Previous event in this lane", "lane.previous", show=True),
    key("j,down", "lane(1)", "Event in the lane below", "lane.down", show=True),
    key("k,up", "lane(-1)", "Event in the lane above", "lane.up", show=True),
    key("right_square_bracket", "event(1)", "Next event in time", "event.next"),
    key("left_square_bracket", "event(-1)", "Previous event in time", "event.previous"),
    key("g,home", "event_to(0)", "First event", "event.first"),
    key("G,end", "event_to(-1)", "Last event", "event.last"),
    key("e", "find('error', 1)", "Next error", "error.next", show=True),
    key("E", "find('error', -1)", "Previous error", "error.previous"),
    key("o", "find('object', 1)", "Next event of the same object", "object.next"),
    key("O", "find('object', -1)", "Previous event of the same object", "object.previous"),
    key("s", "find('slow', 1)", "Next slow step", "slow.next", show=True),
    key("S", "find('slow', -1)", "Previous slow step", "slow.previous"),
    key("full_stop", "gap(1)", "Next break", "gap.next"),
    key("comma", "gap(-1)", "Previous break", "gap.previous"),
    key("slash", "search", "Search", "search.open"),
    key("n", "search_next(1)", "Next match", "search.next"),
    key("N", "search_next(-1)", "Previous match", "search.previous"),
    key("plus,equals_sign", "zoom(1)", "Zoom in", "zoom.in", show=True),
    key("minus", "zoom(-1)", "Zoom out", "zoom.out", show=True),
    key("0", "zoom(0)", "Fit", "zoom.fit"),
    key("shift+right", "pan(1)", "Pan right", "pan.right"),
    key("shift+left", "pan(-1)", "Pan left", "pan.left"),
    key("ctrl+d,pagedown", "pan_lanes(1)", "Lanes further down", "pan.down"),
    key("ctrl+u,pageup", "pan_lanes(-1)", "Lanes further up", "pan.up"),
    key("z", "axis_mode", "Axis: compressed, linear, ordinal", "axis.mode", show=True),
    key("m", "level", "Every step, or milestones", "journey.level", show=True),
    key("v", "by_stage", "One lane, or one per stage", "journey.stages"),
    key("space", "fold", "Fold or unfold this object", "object.fold"),
    key("enter", "open", "Raw lines of this event", "event.raw", show=True),
    key("y", "screen.copy", "Copy", "event.copy"),
    key("a", "screen.alternatives", "Where else it might have belonged", "event.alternatives"),
    key("c", "screen.customer", "Whole customer, or this session", "customer.whole", show=True),
]

RAW = [
    key("o", "screen.journey_line(1)", "Next line of this journey", "journey_line.next", show=True),
    key("O", "screen.journey_line(-1)", "Previous line of this journey", "journey_line.previous"),
    key("slash", "screen.search", "Search", "search.open", show=True),
    key("n", "screen.search_next(1)", "Next match", "search.next"),
    key("N", "screen.search_next(-1)", "Previous match", "search.previous"),
    key("w", "screen.merged", "All logs merged, or this file", "raw.merged", show=True),
    key("y", "screen.copy", "Copy", "event.copy", show=True),
    key("ctrl+o", "screen.edit", "Open in $EDITOR", "raw.edit", show=True),
    key("l,right", "shift(8)", "Scroll right", "scroll.right"),
    key("h,left", "shift(-8)", "Scroll left", "scroll.left"),
]

COMPARE = [
    key("enter", "open", "Open", "list.open", show=True),
    key("t", "app.compare_journey", "Compare with a journey", "compare.journeys", show=True),
    key("T", "app.compare_sets", "Compare what is filtered", "compare.sets", show=True),
]

GROUPS: tuple[tuple[str, list[Binding]], ...] = (
    ("Everywhere", GLOBAL),
    ("Lists and texts", MOVE),
    ("1 Journeys", LIST),
    ("2 Timeline", TIMELINE),
    ("3 Funnel", FUNNEL),
    ("3 Funnel, over time", CHART),
    ("4 Raw lines", RAW),
    ("5 Quality", PAGED),
    ("7 Compare", [*PAGED, *COMPARE]),
)
"""Bindings by where they work: the help sheet, the palette and docs/terminal.md are made from this."""

PLACES = {
    "1 Journeys": ("journeys", ""), "2 Timeline": ("timeline", ""), "3 Funnel": ("funnel", ""), "3 Funnel, over time": ("funnel", "time"),
    "4 Raw lines": ("raw", ""), "5 Quality": ("quality", ""), "7 Compare": ("compare", ""),
}  # fmt: skip
"""Title of a group → the view, and the page of it, where its keys work; the others work wherever one is."""

ABOUT = {
    "journeys": (
        "1 Journeys",
        "Every journey, one a line. The course draws it in small: a mark for each touchpoint, a diamond for a milestone, a cross for a "
        "failure, a pause as a dashed cell; behind the bar the steps of the business. / filters by a query, with completion, a count "
        "while you type, and the filters you used before. While logs are followed (L), + stands before a journey that came with the last "
        "change and * before one in which more happened. v arranges by customer, business object, variant and more; C chooses columns.",
    ),
    "timeline": (
        "2 Timeline",
        "One journey: the customer's lane above, the business below, on one axis. Idle time is left out at the same columns in every "
        "lane. What is under the cursor is said in words below: fields, raw lines, and why each line belongs here.",
    ),
    "funnel": (
        "3 Funnel",
        "What many journeys have in common, of those the filter leaves. Funnel: stages with what is lost, outcomes, experience. Ways: "
        "variants by share. Map: steps in usual order, the wait before each, where things branch off, fail and end; the longest wait "
        "is the bottleneck; Tab goes to what comes before a step and after it. Over time: when journeys begin. Failures: what failed, "
        "since when, whom it hit, whether it came all at once. Enter opens the journeys that a number counts; o looks at business objects.",
    ),
    "raw": ("4 Raw lines", "The lines of the journey as they stand in their files, and the lines around each."),
    "quality": (
        "5 Quality",
        "What was read, as what, and what could not be: every line is counted once. Rules: what the links rest on, how sure each is, "
        "and whether that was measured on these logs.",
    ),
    "identifiers": (
        "6 Identifiers",
        "Which values identify things. What belongs to something hangs below it. Enter says otherwise: another role, another owner, "
        "another name, or that it identifies nothing. It is written into reconstruct.toml and applied at once, from what was read.",
    ),
    "compare": (
        "7 Compare",
        "Two journeys: what the visitors did, then what the business did, aligned; before what only one has, or what went otherwise, stands a "
        "sign, and a line says where they first part. Two sets: the sure changes first, the largest first, with what each is of and its 95 % "
        "interval; what is not sure may be chance. Enter opens the journeys of either side.",
    ),
}
"""View → its title, and what one sees there: said by ``?`` on the view, and in docs/terminal.md."""


def remap(bindings: Sequence[Binding], keymap: Mapping[str, str]) -> list[Binding]:
    """The same with the keys the user gave them (``read_keymap``); a key given to one is taken from the others.

    >>> [binding.key for binding in remap(MOVE[:2], {"move.down": "n,up"})]
    ['n,up', 'k']
    """
    taken = {name for each in bindings for name in keymap.get(str(each.id), "").split(",")}
    found = []
    for each in bindings:
        left = ",".join(name for name in each.key.split(",") if name not in taken)
        found.append(replace(each, key=keymap.get(str(each.id), left)))
    return found


def known_ids() -> list[str]:
    """Every id that keys can be given to."""
    return sorted({str(binding.id) for _, group in GROUPS for binding in group})


def read_keymap(wanted: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Keys by id as Textual takes them, and what is wrong with the rest, in words.

    >>> read_keymap([("move.down", "down, m"), ("mov.up", "u"), ("move.up", "")])
    ({'move.down': 'down,m'}, ['no action is called mov.up: did you mean move.up?', 'no key is given to move.up'])
    """
    known, keymap, wrong = known_ids(), {}, []
    for id, keys in wanted:
        names = [name for name in (each.strip() for each in keys.split(",")) if name]
        if id not in known:
            near = get_close_matches(id, known, 1)
            wrong.append(f"no action is called {id}" + (f": did you mean {near[0]}?" if near else ""))
        elif not names:
            wrong.append(f"no key is given to {id}")
        else:
            keymap[id] = ",".join(_character_to_key(name) if len(name) == 1 else name for name in names)
    return keymap, wrong
