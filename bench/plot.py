"""Line charts as SVG, with nothing but text. Colours work on light and dark grounds; lines differ by dash and mark as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 130, 30, 34
"""Margins; the right one holds the legend."""
INK, FAINT = "#7a7f87", "#7a7f8755"
STYLES = (
    ("#2f7fd1", ""),
    ("#d1702f", "6 3"),
    ("#2f9e63", "2 3"),
    ("#a05ac8", "8 3 2 3"),
    ("#c03a4b", "4 2"),
    ("#8a7a20", "1 2"),
)


def line_chart(title: str, x_name: str, x: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """An SVG document: one line a series over evenly spaced points named ``x``; values are shares.

    The scale starts at the tenth below the least value, so that small losses are seen and are not taken for large ones: it is printed.
    """
    least = min((value for values in series.values() for value in values), default=0.0)
    bottom = max(0.0, min(0.9, int(least * 10) / 10))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(number: int, value: float) -> tuple[float, float]:
        across = number / max(1, len(x) - 1)
        return round(LEFT + across * wide, 1), round(TOP + (1 - (value - bottom) / (1 - bottom)) * high, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="11" fill="{INK}" role="img" aria-label="{escape(title, quote=True)}">',
        f'<text x="{LEFT}" y="16" font-size="13">{escape(title)}</text>',
    ]
    for step in range(5):
        value = bottom + (1 - bottom) * step / 4
        _, y = at(0, value)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{value:.3g}</text>')
    for number, name in enumerate(x):
        across, _ = at(number, 1)
        parts.append(f'<text x="{across}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{escape(name)}</text>')
    parts.append(f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x_name)}</text>')
    for number, (name, values) in enumerate(series.items()):
        colour, dash = STYLES[number % len(STYLES)]
        points = [at(place, value) for place, value in enumerate(values)]
        drawn = " ".join(f"{across},{down}" for across, down in points)
        parts.append(
            f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        parts += [f'<circle cx="{across}" cy="{down}" r="2.5" fill="{colour}"/>' for across, down in points]
        y = TOP + 10 + number * 18
        x0 = WIDTH - RIGHT + 12
        parts.append(
            f'<line x1="{x0}" x2="{x0 + 22}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
        )
        parts.append(f'<text x="{x0 + 28}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
