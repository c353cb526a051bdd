"""One journey to give away: its timelines as an SVG picture, or as a web page with every moment in words below them.

Drawn with the same strokes as on screen. Files hold everything they need: no script, no font, nothing fetched.
"""

from __future__ import annotations

import html
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, TerminalTheme
from textual.color import Color, ColorParseError
from textual.strip import Strip

from reconstruct.journeys.align import lay_out
from reconstruct.journeys.axis import Mode
from reconstruct.journeys.moments import Level, Moment, Story, text_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.inks import mix_ink
from reconstruct.tui.widgets.detail import Describer, positions_of
from reconstruct.tui.widgets.header import place_parts, say_identity, say_outcome
from reconstruct.tui.widgets.paint import Row
from reconstruct.tui.widgets.picture import Picture, name_cells

LEAST_WIDTH = 120
"""Columns of a picture made in a narrow terminal: pages and windows have that much room."""
FONTS = "Fira Code, DejaVu Sans Mono, Menlo, Consolas, monospace"
LINES_NAMED = 12
"""Lines named per moment on the page; more are counted."""

SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: FONTS; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONTS", FONTS)

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
{stylesheet}
body {{ color: {foreground}; background: {background}; font-family: {fonts}; font-size: 14px; margin: 1.5em; }}
pre {{ overflow-x: auto; line-height: 1.3; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: left; vertical-align: top; padding: .2em 1.2em .2em 0; border-top: 1px solid {line}; }}
th {{ font-weight: normal; opacity: .65; }}
td.n {{ white-space: nowrap; }}
.bad {{ color: {bad}; }}
.late {{ color: {late}; }}
.why {{ opacity: .65; }}
</style>
</head>
<body>
<pre><code>{code}</code></pre>
<table>
<thead><tr><th>time (UTC)</th><th>where</th><th>what</th><th>wait</th><th>took</th><th>lines, and why they belong here</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Look:
    """How the journey is looked at, and in which colours."""

    mode: Mode
    level: Level
    by_stage: bool
    folded: frozenset[int]
    width: int
    variables: Mapping[str, str]
    """of the theme"""


class Painter:
    """Pen and inks without a widget."""

    def __init__(self, pen: Pen, variables: Mapping[str, str]) -> None:
        self.pen = pen
        self.variables = variables
        self.background = _opaque(variables.get("background", ""), Color(18, 22, 29))
        self.foreground = _opaque(variables.get("foreground", ""), Color(213, 219, 229))
        self._inks: dict[str, Style] = {}

    def ink(self, name: str) -> Style:
        """The style of an ink over the background."""
        if name not in self._inks:
            self._inks[name] = mix_ink(name, self.variables, self.background)
        return self._inks[name]

    def colour(self, name: str) -> str:
        """An ink's colour for a style sheet."""
        found = self.ink(name).color
        return found.get_truecolor(self.terminal).hex if found else self.foreground.hex

    @property
    def terminal(self) -> TerminalTheme:
        """Ground colours, and the usual sixteen for themes that name those."""
        ansi = [tuple(DEFAULT_TERMINAL_THEME.ansi_colors[number]) for number in range(16)]
        return TerminalTheme(self.background.rgb, self.foreground.rgb, ansi[:8], ansi[8:])  # type: ignore[arg-type]


def _opaque(text: str, otherwise: Color) -> Color:
    try:
        colour = Color.parse(text)
    except ColorParseError:
        return otherwise
    return otherwise if colour.ansi is not None else colour


def draw_portrait(story: Story, painter: Painter, look: Look) -> list[Strip]:
    """Header, overview, axis, every lane and the waits, on lines of ``look.width`` cells."""
    pen, ink, width = painter.pen, painter.ink, max(LEAST_WIDTH, look.width)
    names = name_cells(story, width, pen, by_stage=look.by_stage)
    layout = lay_out(
        story, width - names, look.mode, look.level, by_stage=look.by_stage, folded=look.folded, lettering=pen.lettering
    )
    picture = Picture(layout, pen)
    strips = []
    for say in (say_identity, say_outcome):
        row = Row(width)
        place_parts(row, say(story, pen), painter)
        strips.append(row.strip())
    strips.append(Strip.blank(width))
    heads = 3
    for line in range(heads + len(picture.rows) + 1):
        row, canvas = Row(width), Row(width - names)
        index = line - heads
        if line < heads:
            words = ("overview", "UTC", look.mode)[line]
            row.put(1, words, ink("faint"))
            picture.draw_head(canvas, line, 0, width - names, ink)
        elif index < len(picture.rows):
            picture.draw_name(row, index, names, ink)
            picture.draw_row(canvas, index, 0, None, ink, focused=False)
        else:
            row.put(1, "wait", ink("dim"))
            picture.draw_waits(canvas, 0, ink)
        row.cells[names:] = canvas.cells
        row.styles[names:] = canvas.styles
        strips.append(row.strip())
    return strips


def _record(strips: Iterable[Strip], painter: Painter, width: int) -> Console:
    console = Console(
        record=True,
        width=width,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    ground = Style(color=painter.foreground.rich_color)
    for strip in strips:
        parts = [Segment(text, ground + style if style else ground) for text, style, _ in strip]
        console.print(Segments([*parts, Segment.line()]), end="", no_wrap=True, crop=False)
    return console


def title_of(story: Story, pen: Pen) -> str:
    """What the file is called inside."""
    return pen.cut(pen.clean(f"Journey {text_of(story.document.get('id'), '?')}"), 80)


def to_svg(story: Story, pen: Pen, look: Look) -> str:
    """The timelines as a picture."""
    painter = Painter(pen, look.variables)
    console = _record(draw_portrait(story, painter, look), painter, max(LEAST_WIDTH, look.width))
    return console.export_svg(
        title=title_of(story, pen), theme=painter.terminal, code_format=SVG, unique_id="reconstruct"
    )


def to_html(story: Story, pen: Pen, look: Look, paths: Mapping[int, str]) -> str:
    """The timelines as a web page, with every moment in words below."""
    painter = Painter(pen, look.variables)
    console = _record(draw_portrait(story, painter, look), painter, max(LEAST_WIDTH, look.width))
    recorded = console.export_html(theme=painter.terminal, code_format="{stylesheet}\0{code}")
    stylesheet, _, code = recorded.partition("\0")
    return PAGE.format(
        title=html.escape(title_of(story, pen)), stylesheet=stylesheet, code=code, fonts=FONTS,
        foreground=painter.foreground.hex, background=painter.background.hex, line=painter.colour("faint"),
        bad=painter.colour("bad"), late=painter.colour("warn"), rows="\n".join(_rows(story, pen, paths)),
    )  # fmt: skip


def _rows(story: Story, pen: Pen, paths: Mapping[int, str]) -> Iterable[str]:
    describer = Describer(story, pen, paths)
    moments = [("customer", moment) for moment in story.touchpoints]
    for business, steps in enumerate(story.businesses):
        name = story.objects[business].name
        moments += [(f"{name} {service}".strip(), moment) for service, moment in steps]
    moments.sort(key=lambda each: (not each[1].has_time, each[1].at_ns, each[1].ref))
    for where, moment in moments:
        yield _row(describer, where, moment)


def _row(describer: Describer, where: str, moment: Moment) -> str:
    row = describer.story.rows.get(moment.ref, {})
    pen = describer.pen
    lines = []
    assets, positions = describer.split_assets(positions_of(row))
    for position in positions[:LINES_NAMED]:
        why = "".join(span.text for span in describer.joins(position))
        lines.append(f'{html.escape(describer.place(position))}<span class="why">{html.escape(why)}</span>')
    if len(positions) > LINES_NAMED:
        lines.append(f"and {len(positions) - LINES_NAMED:,} more")
    if assets:
        lines.append(f'<span class="why">{len(assets):,} {"file" if len(assets) == 1 else "files"} it fetched</span>')
    kind = ' class="bad"' if moment.glyph in ("failure", "missing") else ' class="late"' if moment.is_late else ""
    cells = (
        f'<td class="n">{html.escape(describer.say_time(row.get("at") or row.get("expected_at")))}</td>',
        f"<td>{html.escape(pen.clean(where, 200))}</td>",
        f"<td{kind}>{pen.signs.marks[moment.glyph]} {html.escape(pen.clean(moment.label, 400))}</td>",
        f'<td class="n">{describer.say_ms(moment.wait_ns / 1e6)}</td>',
        f'<td class="n">{describer.say_ms(moment.slow_ns / 1e6)}</td>',
        f"<td>{'<br>'.join(lines)}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"
