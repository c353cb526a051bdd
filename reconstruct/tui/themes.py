"""The colours of the interface, dark and light. Textual's own themes, its ``ansi`` ones too, work as well."""

from __future__ import annotations

from textual.theme import Theme

SERVICES_DARK = ("#7fd1a0", "#82b4ff", "#d7a6e8", "#5fd0c5", "#e8a27c", "#b7cf6b", "#f09bb5", "#d9be6d")
SERVICES_LIGHT = ("#1c7a43", "#2458b8", "#8a3aa6", "#0b7a72", "#a8521e", "#5d7312", "#b02a5b", "#86651a")


def _services(colours: tuple[str, ...]) -> dict[str, str]:
    return {f"service-{letter}": colour for letter, colour in zip("abcdefgh", colours, strict=True)}


DARK = Theme(
    name="reconstruct",
    primary="#6cb6ff", secondary="#b79df2", accent="#f2a65a", foreground="#d5dbe5", background="#12161d",
    surface="#171c25", panel="#1f2632", success="#7fd18a", warning="#efd166", error="#ff6f70", dark=True,
    variables=_services(SERVICES_DARK),
)  # fmt: skip

LIGHT = Theme(
    name="reconstruct-light",
    primary="#1f6fc4", secondary="#6f42c1", accent="#b3590a", foreground="#1f2733", background="#fbfbf8",
    surface="#f1f2ee", panel="#e4e7e6", success="#1f7a3a", warning="#8f6b00", error="#c0262d", dark=False,
    variables=_services(SERVICES_LIGHT),
)  # fmt: skip

SERVICES_ANSI = ("green", "cyan", "magenta", "yellow", "blue", "bright_green", "bright_magenta", "bright_cyan")


def service_colours(theme: Theme) -> dict[str, str]:
    """Colours of services for themes that name none."""
    if theme.ansi:
        return _services(tuple(f"ansi_{name}" for name in SERVICES_ANSI))
    return _services(SERVICES_DARK if theme.dark else SERVICES_LIGHT)
