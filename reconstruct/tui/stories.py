"""Journeys on their way from the reader to the screen."""

from __future__ import annotations

from collections.abc import Iterable

from reconstruct.journeys.axis import DAY
from reconstruct.journeys.chain import chain_documents, nearest
from reconstruct.journeys.moments import Labels, Story, read_story, text_of, time_of
from reconstruct.tui.fetch import Fetcher
from reconstruct.tui.reader import Document, Reader

YEAR_NS = 360 * DAY
"""Of logs that hold more, day and month do not say when something was."""


class Stories:
    """Asks for journeys and reads them, without holding up the interface."""

    def __init__(self, reader: Reader, fetcher: Fetcher, labels: Labels) -> None:
        self._reader, self._fetcher, self._labels = reader, fetcher, labels

    async def of_journey(self, id: str) -> Story | None:
        """A journey, read; None when the reader no longer has it."""
        try:
            return await self._fetcher.ask(lambda: read_story(self._reader.journey(id), self._labels))
        except KeyError:
            return None

    async def of_customer(self, id: str) -> Story | None:
        """All journeys of a journey's customer as one story; None when no customer is known, or the journey is no longer there."""
        ask = self._fetcher.ask
        try:
            document = await ask(self._reader.journey, id)
        except KeyError:
            return None
        customer = text_of(document.get("customer"))
        if not customer:
            return None
        ids = await ask(self._reader.customer_journeys, customer)
        documents = [await ask(self._reader.journey, each) for each in nearest(ids, id)]
        return await ask(read_story, chain_documents(customer, documents, len(ids)), self._labels)


def spans_years(sources: Iterable[Document]) -> bool:
    """Whether the logs hold more than a year."""
    ends = [at for row in sources for key in ("first_at", "last_at") if (at := time_of(row.get(key))) is not None]
    return bool(ends) and max(ends) - min(ends) > YEAR_NS
