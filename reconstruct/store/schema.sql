-- The store: what was read, what was found, what is shown. One DuckDB file per set of inputs.
-- eid = source << 32 | line: the same for any chunking and any number of workers.

CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR);

CREATE TABLE slots (slot INTEGER, name VARCHAR);

CREATE TABLE mentions (
    eid BIGINT NOT NULL,
    slot INTEGER NOT NULL,          -- slots.slot
    value VARCHAR NOT NULL,
    multi BOOLEAN NOT NULL
);

-- One row per event that belongs to a journey. rule/via/confidence are the evidence.
CREATE TABLE links (
    eid BIGINT NOT NULL,
    journey INTEGER NOT NULL,       -- journeys.seq
    rule VARCHAR NOT NULL,
    via_type VARCHAR,
    via_value VARCHAR,
    confidence DOUBLE NOT NULL
);

-- One row per event of a business object; an event of a batch may have several.
CREATE TABLE object_links (
    eid BIGINT NOT NULL,
    object INTEGER NOT NULL,        -- objects.object
    rule VARCHAR NOT NULL,
    via_type VARCHAR,
    via_value VARCHAR,
    confidence DOUBLE NOT NULL
);

CREATE TABLE objects (
    object INTEGER NOT NULL,
    type VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    journey INTEGER,                -- journeys.seq of the session it was born in; NULL: unknown
    trigger_eid BIGINT,             -- the event that gave birth to it
    confidence DOUBLE,
    members VARCHAR                 -- JSON [[type, value], ...] of sub-objects
);

-- Journeys in the order of the export; the document itself is line `position` of frame `frame`.
CREATE TABLE journeys (
    seq INTEGER NOT NULL,
    id VARCHAR NOT NULL,
    frame INTEGER NOT NULL,
    position INTEGER NOT NULL,
    customer VARCHAR,
    channel VARCHAR,
    agent_kind VARCHAR,
    device VARCHAR,
    started_at BIGINT,              -- ns UTC
    ended_at BIGINT,
    duration_ms BIGINT,
    stage_reached VARCHAR,
    outcome VARCHAR,
    goal VARCHAR,
    score INTEGER,
    n_touchpoints INTEGER,
    n_errors INTEGER,
    n_events INTEGER,
    orders VARCHAR,
    value VARCHAR,
    search VARCHAR                  -- lower-cased text the filter box looks in
);

-- zstd frames of journey documents, one JSON document a line; kind 'journey' or 'business' (unattributed)
CREATE TABLE frames (kind VARCHAR NOT NULL, frame INTEGER NOT NULL, docs BLOB NOT NULL);
