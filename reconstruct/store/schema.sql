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
    search VARCHAR,                 -- lower-cased words of the journey itself, for queries by text
    entry VARCHAR,                  -- the intent: route of the first page …
    source VARCHAR,                 -- … campaign, search, referral, direct …
    campaign VARCHAR,               -- … key=value, blanks between
    referrer VARCHAR,               -- … host
    searched VARCHAR,               -- … words searched for, on the way here and here, one search a line
    previous VARCHAR,               -- id of the customer's journey before
    user_agent VARCHAR,
    apdex DOUBLE,
    outcome_at INTEGER,             -- touchpoints.position
    achieved_at VARCHAR,            -- when the goal was reached
    course VARCHAR,                 -- one character per touchpoint and step (engines/passages.py)
    way VARCHAR[],                  -- names of its milestones' activities, a repetition told once
    variant VARCHAR                 -- the same for the same way
);

-- One row per business journey; journey NULL: no session is known.
CREATE TABLE business (
    number INTEGER NOT NULL,        -- counts through: what the tables of facts refer to
    journey INTEGER,                -- journeys.seq
    listed INTEGER NOT NULL,        -- listed.seq
    id VARCHAR NOT NULL,
    type VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    amount VARCHAR,                 -- decimal
    currency VARCHAR,
    started_at VARCHAR,
    ended_at VARCHAR,
    duration_ms BIGINT,
    n_steps INTEGER,
    object VARCHAR NOT NULL,        -- id of the object alone
    thing INTEGER,                  -- things.object: what thing_links lead to
    trigger INTEGER,                -- touchpoints.position
    way VARCHAR[],                  -- names of its steps' activities, a repetition told once
    variant VARCHAR
);

-- Macro name_activity(words), an activity without what differs from journey to journey: store/naming.py.

-- Facts: the documents once more, as columns, for queries and figures. `journey` is listed.seq, `business` is business.number,
-- `at` (a word of SQL: quote it) is UTC, positions count from 0 as in the documents. Names and meanings are those of docs/json.md.
CREATE TABLE touchpoints (
    journey INTEGER NOT NULL,
    position INTEGER NOT NULL,
    "at" TIMESTAMP,
    activity VARCHAR,
    stage VARCHAR,
    milestone BOOLEAN,
    method VARCHAR,
    route VARCHAR,
    target VARCHAR,
    status INTEGER,
    ok BOOLEAN,
    latency_ms DOUBLE,
    dwell_ms BIGINT
);

CREATE TABLE signals (
    journey INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    "at" TIMESTAMP,
    touchpoint INTEGER,             -- touchpoints.position
    weight DOUBLE
);

CREATE TABLE steps (
    business INTEGER NOT NULL,
    journey INTEGER NOT NULL,
    position INTEGER NOT NULL,
    "at" TIMESTAMP,
    activity VARCHAR,
    service VARCHAR,
    status VARCHAR,
    exception VARCHAR,
    wait_ms BIGINT,
    duration_ms BIGINT,
    attempts INTEGER
);

CREATE TABLE deviations (business INTEGER NOT NULL, kind VARCHAR NOT NULL, activity VARCHAR);

-- sub-objects: payments, parcels
CREATE TABLE members (business INTEGER NOT NULL, type VARCHAR NOT NULL, value VARCHAR NOT NULL);

-- kind 'ip' or 'session': addresses and session identifiers
CREATE TABLE identities (journey INTEGER NOT NULL, kind VARCHAR NOT NULL, value VARCHAR NOT NULL);

-- What the list of journeys shows: journeys, and business journeys whose session is not known.
CREATE VIEW listed AS
SELECT * EXCLUDE (frame, position) FROM journeys
UNION ALL BY NAME
SELECT listed AS seq, id, 'no session' AS channel, 'unknown' AS agent_kind, started_at, ended_at, duration_ms, outcome,
       n_steps AS n_touchpoints, way, variant, id || ' ' || outcome AS orders, amount || coalesce(' ' || currency, '') AS value,
       lower(id || ' ' || outcome || ' no session') AS search
FROM business WHERE journey IS NULL;

-- Business journeys whose beginning is in the logs: those of visits, and others in whose first two minutes comes what half of those that
-- have it have in theirs. Where none is of a visit there is nothing to compare with, and all are.
CREATE VIEW begun AS
WITH early AS (SELECT number, type, activity FROM business JOIN steps ON business = number
               WHERE business.journey IS NULL AND "at" <= CAST(started_at AS TIMESTAMP) + INTERVAL 2 MINUTE),
     met AS (SELECT number, type, activity, min("at") <= CAST(any_value(started_at) AS TIMESTAMP) + INTERVAL 2 MINUTE AS is_early
             FROM business JOIN steps ON business = number SEMI JOIN early USING (type, activity)
             WHERE business.journey IS NOT NULL GROUP BY ALL),
     openings AS (SELECT type, activity FROM met GROUP BY ALL HAVING avg(is_early::INT) >= 0.5)
SELECT number FROM business
WHERE journey IS NOT NULL OR number IN (SELECT number FROM early SEMI JOIN openings USING (type, activity))
      OR type NOT IN (SELECT type FROM business WHERE journey IS NOT NULL);

-- zstd frames of journey documents, one JSON document a line, a comma before each line end; kind 'journey' or 'business' (unattributed)
CREATE TABLE frames (kind VARCHAR NOT NULL, frame INTEGER NOT NULL, docs BLOB NOT NULL);
