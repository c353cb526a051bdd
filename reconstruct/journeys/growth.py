"""The same moment in a journey of which more is known by now: places in lists shift when something is found to be earlier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconstruct.journeys.moments import Ref, Story, mappings_of, text_of

TELLING = ("id", "at", "kind", "activity", "target")
"""What says of a touchpoint, step, deviation or object which one it is."""


def same_moment(before: Story, after: Story, ref: Ref | None) -> Ref | None:
    """Where in ``after`` what was at ``ref`` is; ``ref`` itself when it is nowhere."""
    row = before.rows.get(ref) if ref else None
    if ref is None or row is None:
        return ref
    business = same_object(before, after, ref.business)
    places = [each for each in after.rows if each.kind == ref.kind and each.business == business]
    for told in (TELLING, ("at",)):  # what is known of it may have changed: then the moment tells
        same = [each for each in places if _tell(after.rows[each], told) == _tell(row, told)]
        if same:
            return min(same, key=lambda each: abs(each.place - ref.place))
    return ref


def same_object(before: Story, after: Story, business: int) -> int:
    """The index in ``after`` of a business journey; -1 for the customer's own, and for what is not there any more."""
    ids = [text_of(row.get("id")) for row in mappings_of(before.document.get("business_journeys"))]
    now = [text_of(row.get("id")) for row in mappings_of(after.document.get("business_journeys"))]
    return now.index(ids[business]) if 0 <= business < len(ids) and ids[business] in now else -1


def same_objects(before: Story, after: Story, businesses: Iterable[int]) -> set[int]:
    """The same of several, without those that are not there any more."""
    return {same_object(before, after, business) for business in businesses} - {-1}


def _tell(row: Mapping[str, object], keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text_of(row.get(key)) for key in keys)
