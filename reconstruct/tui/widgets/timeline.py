"""The aligned timelines: customer above, business below, one axis, a cursor that moves from event to event."""

from __future__ import annotations

from typing import ClassVar

from textual import events as ui_events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from reconstruct.journeys.align import Layout, Mark, lay_out
from reconstruct.journeys.axis import MODES, SECOND, Mode
from reconstruct.journeys.growth import same_moment, same_objects
from reconstruct.journeys.moments import Glyph, Level, Moment, Ref, Story
from reconstruct.tui.bindings import TIMELINE
from reconstruct.tui.messages import MomentPointed, Remark
from reconstruct.tui.widgets.paint import Inked, Row
from reconstruct.tui.widgets.picture import Picture, name_cells

ZOOM_STEP = 1.5
WIDEST = 1 << 17
"""Columns of the widest zoom."""
SLOW_NS = 2 * SECOND
"""An answer or a piece of work slower than this counts as a slow step, whatever the wait before it."""
MANY_OBJECTS = 3
"""More business objects than this start folded: one lane each."""
STRETCHES = 6
"""Most times a journey that has grown is laid out to find the width at which an event keeps its column: two or three do."""
LEAST_STRETCH = 1.02
"""Columns are whole: a width that hardly differs may place everything alike."""
OVERVIEW_HEIGHT = 18
"""With this much room the overview is shown even when everything is in view."""
DETAIL_LEAST = 5
"""Rows the detail pane keeps in a low terminal."""
DETAIL_SHARE = 4
"""Otherwise it keeps one row in so many, and whatever the lanes leave."""


class Timeline(Inked, can_focus=True):
    """Draws one story; knows nothing of where it comes from."""

    BINDINGS: ClassVar[list[BindingType]] = list(TIMELINE)

    class OpenRequested(Message):
        """Enter on a moment."""

        def __init__(self, ref: Ref) -> None:
            super().__init__()
            self.ref = ref

    class SearchRequested(Message):
        """``/`` was pressed."""

    class Arranged(Message):
        """Laid out anew; ``words`` say in what state."""

        def __init__(self, words: list[str]) -> None:
            super().__init__()
            self.words = words

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.story: Story | None = None
        self.mode: Mode = "compressed"
        self.level: Level = "user"
        self.by_stage = False
        self.folded: set[int] = set()
        self.zoom = 1.0
        self.stretch = 1.0
        """how much wider it became while it grew on screen"""
        self.left = 0
        self.top = 0
        self.cursor: Ref | None = None
        self.query_text = ""
        self.alone = False
        """no detail pane below: all room is the timeline's"""
        self.picture: Picture | None = None
        self.name_cells = 0
        """width of the column of names"""
        self._laid: tuple[object, ...] = ()
        """what the picture was laid out for"""
        self.moments: dict[Ref, Moment] = {}

    # --- what is shown

    def show(self, story: Story | None) -> None:
        """Another journey, or the same with more known: then the cursor, the zoom and the folds stay."""
        same = bool(story and self.story and story.document.get("id") == self.story.document.get("id"))
        held = self._held() if same else None
        if same and story and self.story:
            self.cursor = same_moment(self.story, story, self.cursor)
            self.folded = same_objects(self.story, story, self.folded)
        self.story = story
        if not same:
            self.cursor, self.zoom, self.stretch, self.left, self.top = None, 1.0, 1.0, 0, 0
            many = story is not None and len(story.businesses) > MANY_OBJECTS
            self.folded = set(range(len(story.businesses))) if story and many else set()
        self.lay_again(held)

    @property
    def layout_now(self) -> Layout | None:
        """The layout on screen."""
        return self.picture.layout if self.picture else None

    def _held(self) -> tuple[int, int] | None:
        """Column and row on screen of the event under the cursor."""
        layout = self.layout_now
        if layout is None or self.picture is None or self.cursor not in layout.places:
            return None
        return self._column_of(self.cursor) - self.left, self.picture.lane_rows[
            layout.places[self.cursor][0]
        ] - self.top

    def lay_again(self, place: tuple[int, int] | None = None) -> None:
        """Lay out again; the cursor keeps its event, and the event its column. ``place``: where on screen the event was in a
        journey that has grown since: it stays there, and what came is added at the same scale."""
        if self.story is None or self.size.width < 4:
            self.picture = None
            self.refresh()
            return
        asked = (
            id(self.story), self.size.width, self.room, self.zoom, self.stretch, self.mode, self.level, self.by_stage,
            frozenset(self.folded), self.pen,
        )  # fmt: skip
        if self.picture is not None and asked == self._laid:
            self._keep_in_view()  # a resize that changes nothing: twenty thousand events are not placed twice
            return
        self._laid = asked
        held = place[0] if place else self._column_of(self.cursor) - self.left if self.cursor else None
        self.name_cells = name_cells(self.story, self.size.width, self.pen, by_stage=self.by_stage)
        layout = self._lay_out(self._wanted_width)
        if place:
            layout = self._stretch_to(layout, place[0])
        self.picture = Picture(layout, self.pen)
        self.moments = {moment.ref: moment for lane in layout.lanes for mark in lane.marks for moment in mark.moments}
        if self.cursor not in self.moments:
            self.cursor = self._stand_in(layout)
            held = None
            self.post_message(MomentPointed(self.cursor))
        if held is not None:
            self.left = self._column_of(self.cursor) - held
            if place and self.cursor is not None:
                self.top = self.picture.lane_rows[layout.places[self.cursor][0]] - place[1]
        needed = self.head_rows + len(self.picture.rows) + 1
        self.styles.height = self.room if self.alone else max(4, min(self.room, needed))
        self._keep_in_view()
        self.post_message(self.Arranged(self._say_state()))

    @property
    def _wanted_width(self) -> int:
        """Columns of the whole journey."""
        return min(WIDEST, max(self.view_width, int(self.view_width * self.zoom * self.stretch)))

    def _stretch_to(self, layout: Layout, column: int) -> Layout:
        """A layout wide enough for the event under the cursor to stand in a column of the screen."""
        for _ in range(STRETCHES):
            mark = layout.mark_of(self.cursor) if self.cursor else None
            if mark is None or 0 <= mark.column - column <= layout.width - self.view_width or layout.width == WIDEST:
                break
            self.stretch *= max(LEAST_STRETCH, column / max(1, mark.column))
            layout = self._lay_out(self._wanted_width)
        return layout

    def _stand_in(self, layout: Layout) -> Ref | None:
        """Where the cursor goes when its moment is not shown any more: to the same object, else to the beginning."""
        here = self.cursor.business if self.cursor else -1
        return next((ref for ref in layout.order if ref.business == here), layout.order[0] if layout.order else None)

    def _lay_out(self, width: int) -> Layout:
        assert self.story is not None
        rows = self.room - self.head_rows - 1

        def attempt(label_rows: int) -> Layout:
            return lay_out(
                self.story or {}, width, self.mode, self.level, by_stage=self.by_stage, folded=self.folded,
                label_rows=label_rows, lettering=self.pen.lettering,
            )  # fmt: skip

        layout = attempt(2)
        for fewer in (1, 0):
            objects = sum(lane.track.kind == "object" for lane in layout.lanes)
            if sum(lane.rows for lane in layout.lanes) + objects <= rows:
                break
            layout = attempt(fewer)
        return layout

    @property
    def head_rows(self) -> int:
        return 3 if self.has_overview else 2

    @property
    def has_overview(self) -> bool:
        return self.zoom > 1 or self.room >= OVERVIEW_HEIGHT

    @property
    def room(self) -> int:
        """Rows it may take of the pane it shares with the detail pane."""
        height = self.parent.size.height if isinstance(self.parent, Widget) else self.size.height
        return height if self.alone else max(4, height - max(DETAIL_LEAST, height // DETAIL_SHARE) - 1)

    @property
    def view_width(self) -> int:
        return max(4, self.size.width - self.name_cells)

    @property
    def view_rows(self) -> int:
        return max(1, self.size.height - self.head_rows - 1)

    def on_resize(self, _event: ui_events.Resize) -> None:
        self.lay_again()

    # --- drawing

    def draw_line(self, y: int) -> Strip:
        picture = self.picture
        width = self.size.width
        row = Row(width)
        if picture is None:
            if y == 1:
                row.put(2, "No journey is open: 1 lists them, Enter opens one", self.ink("dim"))
            return row.strip()
        names = self.name_cells
        canvas = Row(max(0, width - names))
        head = self.head_rows
        bottom = min(self.size.height - 1, head + len(picture.rows) - self.top)
        if y < head:
            self._draw_head(picture, row, canvas, y)
        elif y == bottom:
            row.put(1, "wait", self.ink("dim"))
            picture.draw_waits(canvas, self.left, self.ink)
        elif y < bottom:
            index = y - head + self.top
            picture.draw_name(row, index, names, self.ink)
            picture.draw_row(canvas, index, self.left, self.cursor, self.ink, focused=self.has_focus)
        row.cells[names:] = canvas.cells
        row.styles[names:] = canvas.styles
        return row.strip()

    def _draw_head(self, picture: Picture, row: Row, canvas: Row, y: int) -> None:
        line = y if self.has_overview else y + 1
        row.put(1, ("overview", "UTC", self.mode)[line], self.ink("faint"))
        picture.draw_head(canvas, line, self.left, self.view_width, self.ink)

    def _say_state(self) -> list[str]:
        words = []
        if self.zoom > 1:
            words.append(f"zoom {self.zoom:.1f}")
        if self.stretch > 1:
            words.append("has grown: 0 fits it")
        if self.level == "customer":
            words.append("milestones")
        if self.query_text:
            words.append(f"/{self.pen.clean(self.query_text, 40)}")
        return words

    # --- the cursor

    def point(self, ref: Ref | None) -> None:
        """Put the cursor on a moment."""
        if ref is None or ref == self.cursor:
            return
        self.cursor = ref
        self._keep_in_view()
        self.post_message(MomentPointed(ref))

    def _column_of(self, ref: Ref | None) -> int:
        mark = self.layout_now.mark_of(ref) if self.layout_now and ref else None
        return mark.column if mark else 0

    def _keep_in_view(self) -> None:
        picture = self.picture
        if picture is None:
            return
        if self.cursor is not None and self.cursor in picture.layout.places:
            lane, index = picture.layout.places[self.cursor]
            mark = picture.layout.lanes[lane].marks[index]
            reach = min(self.view_width // 3, 12)
            if mark.column < self.left + 1:
                self.left = mark.column - reach
            elif mark.column + reach > self.left + self.view_width:
                self.left = mark.column + reach - self.view_width
            line = picture.lane_rows[lane]
            above = 1 if picture.layout.lanes[lane].track.kind == "object" else 0
            if line - above < self.top:
                self.top = line - above
            elif line + picture.layout.lanes[lane].rows > self.top + self.view_rows:
                self.top = line + picture.layout.lanes[lane].rows - self.view_rows
        self.left = max(0, min(self.left, picture.layout.width - self.view_width))
        self.top = max(0, min(self.top, len(picture.rows) - self.view_rows))
        self.refresh()

    def _in_lane(self) -> tuple[int, list[Ref], int] | None:
        """The cursor's lane, the lane's moments, and which of them it is."""
        layout = self.layout_now
        if layout is None or self.cursor is None or self.cursor not in layout.places:
            return None
        lane = layout.places[self.cursor][0]
        refs = [moment.ref for mark in layout.lanes[lane].marks for moment in mark.moments]
        return lane, refs, refs.index(self.cursor)

    def action_step(self, direction: int) -> None:
        where = self._in_lane()
        if where:
            _, refs, index = where
            self.point(refs[max(0, min(len(refs) - 1, index + direction))])

    def action_lane(self, direction: int) -> None:
        layout, where = self.layout_now, self._in_lane()
        if layout is None or where is None:
            return
        column = self._column_of(self.cursor)
        lane = where[0] + direction
        while 0 <= lane < len(layout.lanes):
            marks = layout.lanes[lane].marks
            if marks:
                nearest = min(marks, key=lambda mark: abs(mark.column - column))
                self.point(nearest.moments[0].ref)
                return
            lane += direction

    def action_event(self, direction: int) -> None:
        self._walk(direction, lambda _moment: True)

    def action_event_to(self, end: int) -> None:
        layout = self.layout_now
        if layout and layout.order:
            self.point(layout.order[end])

    def action_find(self, what: str, direction: int) -> None:
        here = self.cursor.business if self.cursor else -1
        tests = {
            "error": lambda moment: moment.glyph in (Glyph.FAILURE, Glyph.MISSING),
            "slow": lambda moment: moment.is_late or moment.slow_ns >= SLOW_NS,
            "object": lambda moment: moment.ref.business == here,
        }
        names = {"error": "error", "slow": "slow step", "object": "event of the same object"}
        if not self._walk(direction, tests[what]):
            self.post_message(Remark(f"No {'further' if direction > 0 else 'earlier'} {names[what]}"))

    def _walk(self, direction: int, wanted: object) -> bool:
        layout = self.layout_now
        if layout is None or not layout.order:
            return False
        assert callable(wanted)
        index = layout.order.index(self.cursor) if self.cursor in layout.places else -1
        index += direction
        while 0 <= index < len(layout.order):
            if wanted(self.moments[layout.order[index]]):
                self.point(layout.order[index])
                return True
            index += direction
        return False

    def action_gap(self, direction: int) -> None:
        """To the first event behind the next break, or the last before the previous one."""
        layout = self.layout_now
        if layout is None or self.cursor is None:
            return
        column = self._column_of(self.cursor)
        gaps = layout.axis.breaks
        if direction > 0:
            border = next((gap.end_column for gap in gaps if gap.column > column), None)
            refs = [ref for ref in layout.order if border is not None and self._column_of(ref) >= border]
            self.point(refs[0] if refs else None)
        else:
            border = next((gap.column for gap in reversed(gaps) if gap.end_column <= column), None)
            refs = [ref for ref in layout.order if border is not None and self._column_of(ref) < border]
            self.point(refs[-1] if refs else None)

    # --- search

    def action_search(self) -> None:
        self.post_message(self.SearchRequested())

    def search(self, text: str) -> None:
        """Look for a text in labels; case does not matter."""
        self.query_text = text
        self.post_message(self.Arranged(self._say_state()))
        if text and not self.action_search_next(1):
            self.action_search_next(-1)
        self.refresh()

    def action_search_next(self, direction: int) -> bool:
        wanted = self.query_text.casefold()
        if not wanted:
            return False
        found = self._walk(direction, lambda moment: wanted in moment.label.casefold())
        if not found:
            self.post_message(Remark("No further match"))
        return found

    # --- the view

    def action_zoom(self, direction: int) -> None:
        if direction == 0:
            self.zoom, self.stretch, self.left = 1.0, 1.0, 0
        else:
            limit = WIDEST / max(1, self.view_width)
            self.zoom = max(1.0, min(limit, self.zoom * ZOOM_STEP**direction))
        self.lay_again()

    def action_pan(self, direction: int) -> None:
        if self.picture:
            far = self.picture.layout.width - self.view_width
            self.left = max(0, min(far, self.left + direction * max(1, self.view_width // 3)))
            self.refresh()

    def action_pan_lanes(self, direction: int) -> None:
        if self.picture:
            far = len(self.picture.rows) - self.view_rows
            self.top = max(0, min(far, self.top + direction * max(1, self.view_rows // 2)))
            self.refresh()

    def on_mouse_scroll_down(self, _event: ui_events.MouseScrollDown) -> None:
        self.action_pan_lanes(1)

    def on_mouse_scroll_up(self, _event: ui_events.MouseScrollUp) -> None:
        self.action_pan_lanes(-1)

    def action_axis_mode(self) -> None:
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self.lay_again()

    def action_level(self) -> None:
        self.level = "customer" if self.level == "user" else "user"
        self.lay_again()

    def action_by_stage(self) -> None:
        self.by_stage = not self.by_stage
        self.lay_again()

    def action_fold(self) -> None:
        business = self.cursor.business if self.cursor else -1
        if business >= 0:
            self.folded ^= {business}
            self.lay_again()

    def action_open(self) -> None:
        if self.cursor is not None:
            self.post_message(self.OpenRequested(self.cursor))

    def on_click(self, event: ui_events.Click) -> None:
        mark = self._mark_at(event.x, event.y)
        if mark:
            self.point(mark.moments[0].ref)

    def _mark_at(self, x: int, y: int) -> Mark | None:
        picture = self.picture
        index = y - self.head_rows + self.top
        if picture is None or y < self.head_rows or index >= len(picture.rows) or picture.rows[index].lane < 0:
            return None
        column = x - self.name_cells + self.left
        marks = picture.layout.lanes[picture.rows[index].lane].marks
        return min(marks, key=lambda mark: abs(mark.column - column), default=None)
