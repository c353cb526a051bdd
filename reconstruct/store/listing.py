"""Numbers in the text of SQL."""

from __future__ import annotations

from collections.abc import Iterable


def sql_list(numbers: Iterable[int]) -> str:
    """The numbers as what follows ``IN``. SQL has no empty list: for none it is one number that stands for nothing.

    >>> sql_list([3, 1]), sql_list([])
    ('(3, 1)', '(-1)')
    """
    return f"({', '.join(map(str, numbers)) or '-1'})"
