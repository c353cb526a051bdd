"""The columns of an event and of a mention: what travels from worker processes to the store.

Events are Arrow record batches, one row per log entry. A column is null where the entry does not say (``-`` in a log
is null). Names are those of the ``events`` output; ``docs/json.md`` gives their meaning to readers outside.
"""

from __future__ import annotations

import pyarrow as pa

TEXT = pa.string()
LABEL = pa.dictionary(pa.int32(), pa.string())
"""Text of few distinct values: dictionary-encoded, so a million user agents cost four bytes each."""

EVENTS = pa.schema(
    [
        # where the entry is
        pa.field("source", pa.int32(), nullable=False),  # Source.id
        pa.field("line", pa.int32(), nullable=False),  # 1-based line of the entry's first line
        pa.field("lines", pa.int32(), nullable=False),  # how many lines the entry has, continuations included
        pa.field("offset", pa.int64(), nullable=False),  # byte offset in the decoded stream (decompressed, as UTF-8)
        pa.field("length", pa.int32(), nullable=False),  # bytes, without the final line end
        pa.field("format", LABEL, nullable=False),  # format id; envelopes first: "docker/nginx_combined"
        # when
        pa.field("time_ns", pa.int64()),  # UTC nanoseconds since 1970; null when the entry has no time at all
        pa.field("zoned", pa.bool_(), nullable=False),  # false: the stamp has no zone, time_ns reads it as UTC
        # the request, if it is one
        pa.field("client_ip", TEXT),
        pa.field("client_port", pa.int32()),
        pa.field("user", TEXT),
        pa.field("method", LABEL),
        pa.field("target", TEXT),
        pa.field("path", TEXT),  # target without query and fragment, scheme and host
        pa.field("query", TEXT),  # without the question mark
        pa.field("protocol", LABEL),
        pa.field("status", pa.int32()),
        pa.field("bytes_sent", pa.int64()),
        pa.field("referrer", TEXT),
        pa.field("user_agent", LABEL),
        pa.field("duration_ms", pa.float64()),
        pa.field("vhost", LABEL),
        pa.field("upstream", TEXT),
        pa.field("upstream_status", pa.int32()),
        # the application entry
        pa.field("level", LABEL),  # trace debug info notice warn error fatal
        pa.field("logger", LABEL),
        pa.field("service", LABEL),
        pa.field("host", LABEL),  # the machine that wrote it
        pa.field("process", LABEL),
        pa.field("pid", pa.int64()),
        pa.field("thread", LABEL),
        pa.field("message", TEXT),  # continuation lines included, capped at MESSAGE_CAP characters
        # identifiers that have a column of their own because formats name them so
        pa.field("request_id", TEXT),
        pa.field("trace_id", TEXT),
        pa.field("span_id", TEXT),
        pa.field("session_id", TEXT),
        # everything else, as one JSON object text of strings, numbers and booleans with dotted keys
        pa.field("attributes", TEXT),
    ]
)

MENTIONS = pa.schema(
    [
        pa.field("event", pa.int32(), nullable=False),  # row of the event in the batch it comes with
        pa.field("slot", LABEL, nullable=False),  # where the value stood, e.g. "key:order_id", "path:/orders/{}"
        pa.field("value", TEXT, nullable=False),  # normalised (see events/mentions.py)
        pa.field("multi", pa.bool_(), nullable=False),  # one of several values of this slot on this entry
    ]
)

MESSAGE_CAP = 65_536
"""Characters of message kept per event; the raw lines stay reachable by offset. Bounds memory on hostile input."""

LEVELS = ("trace", "debug", "info", "notice", "warn", "error", "fatal")
"""Normalised levels, mildest first."""
