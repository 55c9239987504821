-- The ledger: everything a run was paid for. Rows are added, never changed, but for totals.

CREATE TABLE run (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    base TEXT NOT NULL,                -- the pipeline file's folder, where relative paths start
    pipeline TEXT NOT NULL,            -- as resolved, JSON
    identity TEXT NOT NULL,            -- what may not change on resume, JSON
    cast TEXT NOT NULL                 -- each plugin's distribution and version, JSON
);

CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    round INTEGER NOT NULL,            -- the last step that was made before it
    step INTEGER NOT NULL,
    setting TEXT NOT NULL,             -- what of the identity was accepted to be another on resume
    before TEXT NOT NULL,              -- JSON
    after TEXT NOT NULL                -- JSON
);

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE        -- of the weights
);

CREATE TABLE step (
    round INTEGER NOT NULL,            -- round 0 ingests the seeds
    step INTEGER NOT NULL,             -- counts from 1 in its round
    horizon INTEGER NOT NULL,          -- select saw this round's steps up to here
    in_flight INTEGER NOT NULL,
    parents TEXT NOT NULL,             -- as selected, JSON
    metrics TEXT NOT NULL,             -- what the plugins' commit answered, JSON
    tally TEXT NOT NULL,               -- the run's counters after this step, JSON
    digest TEXT NOT NULL,              -- chained over the canonical rows of all steps so far
    PRIMARY KEY (round, step)
) WITHOUT ROWID;

CREATE TABLE problem (
    id TEXT PRIMARY KEY,               -- round.step.child
    round INTEGER NOT NULL,
    step INTEGER NOT NULL,
    child INTEGER NOT NULL,
    operator TEXT NOT NULL,
    statement TEXT NOT NULL,
    answer TEXT,                       -- the generator's reference
    solution TEXT NOT NULL,            -- the generator's own
    extra TEXT NOT NULL,               -- JSON
    ordinal INTEGER,                   -- of the completion it was read from
    rejected_in TEXT,                  -- hook that turned it away before any attempt, or NULL
    rejected_by TEXT,
    rejected_why TEXT,
    content_digest TEXT NOT NULL,      -- of statement and answer
    UNIQUE (round, step, child)
);

CREATE TABLE parentage (
    child TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    parent TEXT NOT NULL,
    PRIMARY KEY (child, ordinal)
) WITHOUT ROWID;

CREATE TABLE completion (
    round INTEGER NOT NULL,
    step INTEGER NOT NULL,
    hook TEXT NOT NULL,
    plugin TEXT NOT NULL,
    ordinal INTEGER NOT NULL,          -- those of `sparq label` are counted on from the step's own
    role TEXT NOT NULL,
    model INTEGER NOT NULL REFERENCES model (id),
    seed INTEGER NOT NULL,
    tokens INTEGER NOT NULL,           -- sampled
    prompt_tokens INTEGER NOT NULL,    -- on the first of its request; 0 on the others
    finish TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (round, step, hook, plugin, ordinal)
) WITHOUT ROWID;

CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    problem TEXT NOT NULL REFERENCES problem (id),
    round INTEGER NOT NULL,            -- round and step it was drawn in
    step INTEGER NOT NULL,
    k INTEGER NOT NULL,
    model INTEGER NOT NULL REFERENCES model (id),
    seed INTEGER NOT NULL,
    tokens INTEGER NOT NULL,           -- sampled
    prompt_tokens INTEGER NOT NULL,    -- on the first of its request; 0 on the others
    finish TEXT NOT NULL,
    UNIQUE (problem, round, step, k)
);

CREATE TABLE text (
    problem TEXT NOT NULL REFERENCES problem (id),
    round INTEGER NOT NULL,
    step INTEGER NOT NULL,
    blob BLOB NOT NULL,                -- zstd of the msgpack list of this problem's attempt texts, by k
    PRIMARY KEY (problem, round, step)
);

CREATE TABLE grading (
    id INTEGER PRIMARY KEY,
    plugins TEXT NOT NULL,             -- who verified and assessed, JSON
    config TEXT NOT NULL               -- how, JSON
);

CREATE TABLE verdict (
    grading INTEGER NOT NULL REFERENCES grading (id),
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    plugin TEXT NOT NULL,              -- who said so
    answer TEXT,                       -- as read from the attempt
    PRIMARY KEY (grading, attempt)
) WITHOUT ROWID;

CREATE TABLE outcome (
    grading INTEGER NOT NULL REFERENCES grading (id),
    problem TEXT NOT NULL REFERENCES problem (id),
    answer TEXT,                       -- the reference the attempts were judged by
    correct INTEGER NOT NULL,
    incorrect INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    solve_rate REAL,                   -- of the decided attempts, corrected where a policy stopped early
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    quality REAL NOT NULL,
    PRIMARY KEY (grading, problem)
) WITHOUT ROWID;

CREATE TABLE again (
    round INTEGER NOT NULL,            -- the step in which a parent was attempted once more
    step INTEGER NOT NULL,
    problem TEXT NOT NULL REFERENCES problem (id),
    correct INTEGER NOT NULL,          -- of all its attempts by then; `outcome` keeps what the first ones said
    incorrect INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    solve_rate REAL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    quality REAL NOT NULL,
    PRIMARY KEY (round, step, problem)
) WITHOUT ROWID;

CREATE TABLE descriptor (
    view INTEGER NOT NULL,             -- 1: given by the run; 2: given later, to what had none
    problem TEXT NOT NULL REFERENCES problem (id),
    key TEXT NOT NULL,                 -- in view 2 there is an empty one, too: the problem was described
    value TEXT NOT NULL,               -- JSON
    PRIMARY KEY (view, problem, key)
) WITHOUT ROWID;

CREATE TABLE curation (
    id INTEGER PRIMARY KEY,
    round INTEGER NOT NULL,
    config TEXT NOT NULL               -- the plugin and its options, JSON
);

CREATE TABLE curated (
    curation INTEGER NOT NULL REFERENCES curation (id),
    ordinal INTEGER NOT NULL,          -- its place in the dataset
    problem TEXT NOT NULL REFERENCES problem (id),
    attempt INTEGER NOT NULL REFERENCES attempt (id),
    PRIMARY KEY (curation, ordinal)
) WITHOUT ROWID;

CREATE TABLE phase (
    round INTEGER NOT NULL,
    steps INTEGER NOT NULL,            -- how many steps its round had then; a round may be extended
    name TEXT NOT NULL,                -- seeds, curate, train or benchmark
    config TEXT NOT NULL,              -- the plugins and their options, JSON
    digest TEXT NOT NULL,              -- of what it made
    detail TEXT NOT NULL,
    PRIMARY KEY (round, steps, name)
) WITHOUT ROWID;

CREATE TABLE score (
    round INTEGER NOT NULL,            -- round 0 is the base model
    steps INTEGER NOT NULL,            -- as of the phase; with those of the seeds, round 0 is the model trained on them
    task TEXT NOT NULL,
    item TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (round, steps, task, item)
) WITHOUT ROWID;

-- What the rows above add up to, so that nobody has to count them. A ledger of an earlier version gets it when it is next written.
CREATE TABLE total (
    what TEXT NOT NULL,                -- of which problems: made, kept, attempted, described, chosen, by niche, …
    key TEXT NOT NULL,                 -- an operator, a descriptor or a curation; else empty
    value TEXT NOT NULL,               -- a niche, JSON; else empty
    problems INTEGER NOT NULL,         -- how many there are; of `steps`, how many steps these totals are of
    best REAL NOT NULL,                -- the best quality among them
    PRIMARY KEY (what, key, value)
) WITHOUT ROWID;
