"""What widgets tell the screen they are on."""

from __future__ import annotations

from textual.message import Message

from reconstruct.journeys.moments import Ref


class JourneyPointed(Message):
    """The list's cursor is on another journey."""

    def __init__(self, id: str) -> None:
        super().__init__()
        self.id = id


class JourneyOpened(Message):
    """A journey was asked for."""

    def __init__(self, id: str) -> None:
        super().__init__()
        self.id = id


class JourneysCounted(Message):
    """So many journeys match the filter."""

    def __init__(self, count: int, filter_text: str) -> None:
        super().__init__()
        self.count = count
        self.filter_text = filter_text


class MomentPointed(Message):
    """The timeline's cursor is on another moment; None when the journey has none."""

    def __init__(self, ref: Ref | None) -> None:
        super().__init__()
        self.ref = ref


class Remark(Message):
    """Words for the moment: there is nothing further to go to."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words


class RowPointed(Message):
    """A table's cursor is on another row."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index
