"""Which files may be configuration, by the end of their name alone: asked of every file, so it loads nothing."""

from __future__ import annotations

SUFFIXES = (
    ".cfg", ".conf", ".groovy", ".inc", ".ini", ".jsn", ".json", ".load", ".properties", ".py", ".template", ".toml", ".vhost", ".xml",
    ".yaml", ".yml",
)  # fmt: skip
"""Ends of every name that a table of ``grammars/layouts`` has; a test compares them."""

CONFIGURATION_CAP = 256 << 10
"""Bytes. A configuration is written by hand; what is longer is a log or a document."""
