"""View 2: one journey as aligned timelines, and the moment under the cursor in words."""

from __future__ import annotations

from collections.abc import Iterable

from textual import events as ui_events
from textual.containers import Container
from textual.widget import Widget

from reconstruct.journeys.moments import Ref, Story, mappings_of, number_of, text_of
from reconstruct.tui.elsewhere import copy_text
from reconstruct.tui.fetch import start
from reconstruct.tui.messages import MomentPointed, Remark
from reconstruct.tui.screens.view import View
from reconstruct.tui.widgets.detail import Describer, Position, positions_of
from reconstruct.tui.widgets.header import JourneyHeader
from reconstruct.tui.widgets.prompt import Prompt
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.sheet import Sheet
from reconstruct.tui.widgets.timeline import Timeline

RAW_SHOWN = 8
"""Raw lines read for the detail pane."""


class TimelineView(View):
    """Header, timelines, detail."""

    NAME = "timeline"

    def body(self) -> Iterable[Widget]:
        yield JourneyHeader()
        yield Container(Timeline(id="timeline"), Rule("Detail", id="seam"), Sheet(id="detail"), id="split")
        yield Prompt(id="search")

    def __init__(self) -> None:
        super().__init__()
        self.describer: Describer | None = None
        self.shown: Story | None = None
        self.version = -1
        """of the results that are described"""
        self.raw: dict[Position, str] = {}
        self.described: tuple[Describer | None, Ref | None] = (None, None)
        """whose moment the detail pane is about"""

    def on_mount(self) -> None:
        super().on_mount()
        self.timeline.focus()

    @property
    def timeline(self) -> Timeline:
        return self.query_one(Timeline)

    def results_changed(self) -> None:
        version = self.reconstruct.reader.version()
        if self.timeline.is_mounted and version != self.version:
            self.version = version
            self._describe(self.timeline.cursor, keep_place=True)

    async def expect(self, story: Story) -> None:
        """Another journey will be shown: what it takes to draw it at once is fetched and laid out before."""
        first = next(iter(story.rows), None)
        raw = await self._read_raw(positions_of(story.rows[first])[:RAW_SHOWN]) if first else {}
        if self.reconstruct.story is story:
            self.raw = raw
            self._change(story)

    def journey_changed(self) -> None:
        story = self.reconstruct.story
        if story is not self.shown:
            self.raw = {}
            self._change(story)

    def _change(self, story: Story | None) -> None:
        self.shown = story
        app = self.reconstruct
        self.describer = Describer(story, app.pen, app.paths) if story else None
        self.query_one(JourneyHeader).show(story)
        self.timeline.show(story)
        self._describe(self.timeline.cursor)

    def pen_changed(self) -> None:
        """ASCII or not: everything is measured anew."""
        self.shown = None
        self.journey_changed()

    def on_moment_pointed(self, event: MomentPointed) -> None:
        if self.described != (self.describer, event.ref):
            self._describe(event.ref)

    def _describe(self, ref: Ref | None, *, keep_place: bool = False) -> None:
        describer = self.describer
        self.described = (describer, ref)
        sheet = self.query_one("#detail", Sheet)
        if describer is None or self.shown is None:
            sheet.show(lambda width: [])
            return
        moment = self.timeline.moments.get(ref) if ref else None
        sheet.show(lambda width: describer.describe(ref, moment, self.raw), keep_place=keep_place)
        if ref is None or not sheet.display:
            return
        shown = positions_of(self.shown.rows.get(ref, {}))[:RAW_SHOWN]
        wanted = [position for position in shown if position not in self.raw]
        if wanted:
            start(self, "detail", self._read, ref, wanted)

    async def _read_raw(self, wanted: list[Position]) -> dict[Position, str]:
        """The first lines of entries."""
        app = self.reconstruct
        texts = await app.fetcher.ask(app.reader.raw_texts, wanted)
        return {place: app.pen.clean(text.partition("\n")[0], 2000) for place, text in zip(wanted, texts, strict=True)}

    async def _read(self, ref: Ref, wanted: list[Position]) -> None:
        self.raw |= await self._read_raw(wanted)
        if self.timeline.cursor == ref and self.describer:
            describer, moment = self.describer, self.timeline.moments.get(ref)
            self.query_one("#detail", Sheet).show(
                lambda width: describer.describe(ref, moment, self.raw), keep_place=True
            )

    def on_timeline_arranged(self, event: Timeline.Arranged) -> None:
        state = f" {self.reconstruct.pen.signs.dot} ".join(event.words)
        self.query_one("#seam", Rule).say("Detail", state)

    def on_resize(self, event: ui_events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self.timeline.lay_again)

    def action_toggle_detail(self) -> None:
        super().action_toggle_detail()
        self.timeline.alone = self.has_class("-no-detail")
        self.timeline.lay_again()
        self._describe(self.timeline.cursor)

    def action_alternatives(self) -> None:
        """Ask where else the lines of this event might have belonged."""
        ref, describer = self.timeline.cursor, self.describer
        if ref is None or describer is None or self.shown is None:
            return
        positions = positions_of(self.shown.rows.get(ref, {}))
        wanted = [position for position in positions if position not in describer.alternatives]
        if wanted:
            self.post_message(Remark("Looking where else it might have belonged"))
            start(self, "alternatives", self._read_alternatives, ref, describer, wanted[:RAW_SHOWN])
        elif not positions:
            self.post_message(Remark("No line is behind this"))

    async def _read_alternatives(self, ref: Ref, describer: Describer, wanted: list[Position]) -> None:
        app = self.reconstruct
        for position in wanted:
            describer.alternatives[position] = await app.fetcher.ask(app.reader.alternatives, *position)
        if self.timeline.cursor == ref and self.describer is describer:
            self._describe(ref, keep_place=True)
            n = sum(len(describer.alternatives[position]) for position in wanted)
            found = f"{n:,} other {'place' if n == 1 else 'places'}: in the detail, under each line"
            self.post_message(Remark(found if n else "It might have belonged nowhere else"))

    def action_copy(self) -> None:
        """The event under the cursor with the lines behind it, to the clipboard."""
        ref, describer = self.timeline.cursor, self.describer
        if ref is not None and describer is not None:
            lines = describer.describe(ref, self.timeline.moments.get(ref), self.raw)
            copy_text(
                self.reconstruct, "\n".join("".join(span.text for span in line.spans) for line in lines), "the event"
            )

    def action_customer(self) -> None:
        """All sessions of the customer on one axis, or this one; the cursor keeps its event."""
        app, cursor = self.reconstruct, self.timeline.cursor
        if app.journey_id is None:
            return
        if not app.whole_customer and self.shown and not text_of(self.shown.document.get("customer")):
            self.post_message(Remark("No customer is known for this session"))
            return
        app.whole_customer = not app.whole_customer
        start(self, "customer", self._change_scope, app.journey_id, cursor)

    async def _change_scope(self, id: str, cursor: Ref | None) -> None:
        app, before = self.reconstruct, self.shown
        await app.load_journey(id)
        after = self.shown
        chain = after if app.whole_customer else before
        row = (
            next((row for row in mappings_of(chain.document.get("sessions")) if row.get("id") == id), None)
            if chain
            else None
        )
        if cursor is None or row is None or after is None:
            return
        sign = 1 if app.whole_customer else -1
        shift = int(number_of(row.get("first_touchpoint" if cursor.kind == "touchpoint" else "first_business"))) * sign
        if cursor.kind == "touchpoint":
            wanted = cursor._replace(place=cursor.place + shift)
        else:
            wanted = cursor._replace(business=cursor.business + shift)
        if wanted in self.timeline.moments:
            self.timeline.point(wanted)

    # --- search

    def on_timeline_search_requested(self) -> None:
        self.query_one(Prompt).ask("search", self.timeline.query_text)

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        self.query_one(Prompt).display = False
        self.timeline.focus()
        self.timeline.search(event.text)

    def on_prompt_left(self) -> None:
        self.timeline.focus()

    # --- elsewhere

    def on_timeline_open_requested(self, event: Timeline.OpenRequested) -> None:
        self.reconstruct.pointed = event.ref
        self.reconstruct.action_view("raw")
