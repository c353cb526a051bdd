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

-- How each source was read; document is JSON (engines/ingest.py).
CREATE TABLE sources (id INTEGER, path VARCHAR, document VARCHAR);

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
    started_at VARCHAR,             -- ISO 8601 UTC: sorts as time
    ended_at VARCHAR,
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

-- One row per business journey; journey NULL: no session is known.
CREATE TABLE business (
    journey INTEGER,                -- journeys.seq
    id VARCHAR NOT NULL,
    type VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    amount VARCHAR,                 -- decimal
    currency VARCHAR,
    started_at VARCHAR,
    ended_at VARCHAR,
    duration_ms BIGINT,
    n_steps INTEGER
);

-- zstd frames of journey documents, one JSON document a line; kind 'journey' or 'business' (unattributed)
CREATE TABLE frames (kind VARCHAR NOT NULL, frame INTEGER NOT NULL, docs BLOB NOT NULL);
