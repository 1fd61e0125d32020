-- The nouns, in the order of the life of a finding. Times are microseconds UTC, ids are text and
-- sort by time, JSON stands in text columns. Table names are plural.

create table parties (
    id text primary key,
    name text not null,
    accountable text not null,
    roles text not null,
    contact text not null,
    created_at integer not null
) strict;

create table party_packages (
    party_id text not null references parties (id),
    purl text not null,
    primary key (party_id, purl)
) strict;
create index party_packages_purl on party_packages (purl);

create table members (
    id text primary key,
    party_id text not null references parties (id),
    name text not null,
    created_at integer not null
) strict;
create index members_party on members (party_id);

create table tokens (
    id text primary key,
    member_id text not null references members (id),
    hash blob not null unique,
    scopes text not null,
    label text not null,
    expires_at integer not null,
    revoked_at integer,
    created_at integer not null
) strict;
create index tokens_member on tokens (member_id);

create table claims (
    id text primary key,
    party_id text not null references parties (id),
    member_id text not null references members (id),
    scope_key text not null,
    scope text not null,
    method text not null,
    shown text not null,
    state text not null check (state in ('held', 'released', 'expired')),
    fence integer not null check (fence > 0),
    taken_at integer not null,
    until integer not null,
    released_at integer,
    coverage text,
    unique (scope_key, fence)
) strict;
create index claims_held on claims (scope_key, until) where state = 'held';
create index claims_due on claims (until) where state = 'held';
create index claims_party on claims (party_id, id);

create table claim_fences (
    scope_key text primary key,
    fence integer not null check (fence > 0)
) strict;

create table blobs (
    id text primary key,
    sealed blob not null,
    key_id text not null,
    bytes integer not null check (bytes >= 0),
    created_at integer not null
) strict;

create table reports (
    id text primary key,
    receipt text not null unique,
    party_id text not null references parties (id),
    member_id text not null references members (id),
    purl text,
    ecosystem text,
    software text,
    title text not null,
    state text not null check (state in ('queued', 'processing', 'done')),
    received_at integer not null,
    done_at integer,
    body_blob_id text not null references blobs (id),
    digest text not null,
    provenance text not null,
    unique (party_id, digest)
) strict;
create index reports_party on reports (party_id, id);

create table attachments (
    report_id text not null references reports (id),
    position integer not null check (position >= 0),
    filename text not null,
    content_type text not null,
    kind text not null,
    description text not null,
    bytes integer not null check (bytes >= 0),
    blob_id text not null references blobs (id),
    primary key (report_id, position)
) strict;

create table cases (
    id text primary key,
    purl text not null,
    title text not null,
    summary text not null,
    state text not null check (state in ('open', 'fix-verified', 'published', 'closed', 'merged')),
    public integer not null check (public in (0, 1)),
    verdict text,
    verdict_reason text,
    embargo_ends integer,
    embargo_source text,
    embargo_url text,
    embargo_reason text,
    range text,
    aliases text not null,
    weakness text,
    merged_into text references cases (id),
    opened_at integer not null,
    updated_at integer not null,
    revision integer not null check (revision > 0)
) strict;
create index cases_purl on cases (purl, id);
create index cases_public on cases (public, id);

create table findings (
    id text primary key,
    report_id text not null references reports (id),
    party_id text not null references parties (id),
    purl text,
    title text not null,
    summary text not null,
    symbol text,
    weakness text,
    aliases text not null,
    state text not null check (state in ('proof-wanted', 'proving', 'proved', 'not-proved', 'in-case')),
    state_reason text,
    proof_id text references proofs (id),
    case_id text references cases (id),
    credits text not null,
    checklist text not null,
    created_at integer not null,
    updated_at integer not null
) strict;
create index findings_report on findings (report_id);
create index findings_case on findings (case_id);
create index findings_party on findings (party_id, id);

create table proofs (
    id text primary key,
    finding_id text not null references findings (id),
    digest text not null,
    bundle_blob_id text not null references blobs (id),
    purl text not null,
    oracle text not null,
    title text not null,
    vulnerable text not null,
    fixed text,
    state text not null check (state in ('queued', 'running', 'done')),
    grade text check (grade in ('confirmed', 'unconfirmed')),
    grade_reasons text not null,
    outcome text,
    range text,
    trace text,
    created_at integer not null,
    measured_at integer
) strict;
create index proofs_finding on proofs (finding_id);
create index proofs_digest on proofs (digest);

create table receipts (
    id text primary key,
    proof_id text not null references proofs (id),
    version text not null,
    verdict text not null check (verdict in ('fired', 'silent', 'inconclusive')),
    reason text,
    envelope text not null,
    created_at integer not null,
    -- A run that is repeated with the same verdict adds nothing; one that disagrees is kept beside it.
    unique (proof_id, version, verdict)
) strict;

create table case_events (
    id text primary key,
    case_id text not null references cases (id),
    at integer not null,
    kind text not null,
    member_id text references members (id),
    text text not null,
    research integer not null check (research in (0, 1))
) strict;
create index case_events_case on case_events (case_id, at, id);

create table read_ins (
    id text primary key,
    case_id text not null references cases (id),
    member_id text not null references members (id),
    tier integer not null check (tier between 0 and 3),
    reason text not null,
    approver_id text references members (id),
    placed_at integer not null,
    until integer not null,
    ended_at integer
) strict;
create unique index read_ins_live on read_ins (member_id, case_id) where ended_at is null;
create index read_ins_case on read_ins (case_id, id);

create table fixes (
    id text primary key,
    case_id text not null references cases (id),
    kind text not null check (kind in ('patch', 'upgrade', 'mitigation')),
    version text,
    patch_blob_id text references blobs (id),
    note text not null,
    state text not null check (state in ('proposed', 'verified', 'refuted', 'unverified')),
    matrix text,
    member_id text references members (id),
    created_at integer not null,
    verified_at integer
) strict;
create index fixes_case on fixes (case_id, id);

create table advisories (
    id text primary key,
    name text not null unique,
    case_id text not null unique references cases (id),
    state text not null check (state in ('published', 'withdrawn')),
    revision integer not null check (revision > 0),
    published_at integer not null,
    modified_at integer not null,
    withdrawn_at integer,
    withdrawn_reason text
) strict;

create table advisory_documents (
    advisory_id text not null references advisories (id),
    revision integer not null check (revision > 0),
    format text not null check (format in ('osv', 'csaf')),
    filename text not null,
    body text not null,
    signature text not null,
    created_at integer not null,
    primary key (advisory_id, revision, format)
) strict;

create table inventories (
    id text primary key,
    party_id text not null references parties (id),
    asset text not null,
    organisation text not null,
    environment text not null,
    exposure text not null check (exposure in ('exposed', 'not-exposed', 'unknown')),
    asset_type text not null,
    sector text not null,
    format text not null,
    document_blob_id text not null references blobs (id),
    digest text not null,
    components integer not null check (components >= 0),
    skipped text not null,
    current integer not null check (current in (0, 1)),
    uploaded_at integer not null
) strict;
create unique index inventories_current on inventories (party_id, asset) where current = 1;
create index inventories_party on inventories (party_id, id);

create table inventory_components (
    inventory_id text not null references inventories (id),
    position integer not null check (position >= 0),
    purl text,
    name text not null,
    version text,
    path text not null,
    reason text,
    primary key (inventory_id, position)
) strict, without rowid;
create index inventory_components_purl on inventory_components (purl);

create table notices (
    id text primary key,
    case_id text not null references cases (id),
    advisory_id text references advisories (id),
    party_id text not null references parties (id),
    asset text not null,
    inventory_id text not null references inventories (id),
    purl text not null,
    version text not null,
    path text not null,
    outcome text not null check (outcome in ('FSU', '60D', '14D', '3D', '3DF')),
    due integer,
    clock_start integer not null,
    analogy integer not null check (analogy in (0, 1)),
    because text not null,
    action text not null,
    state text not null
        check (state in ('open', 'seen', 'scheduled', 'fixed', 'mitigated', 'not-affected', 'closed')),
    justification text,
    note text,
    pre_publication integer not null check (pre_publication in (0, 1)),
    created_at integer not null,
    updated_at integer not null,
    closed_at integer,
    closed_reason text,
    unique (case_id, party_id, asset, purl, version)
) strict;
create index notices_party on notices (party_id, id);
create index notices_asset on notices (party_id, asset);

create table jobs (
    id text primary key,
    kind text not null,
    key text not null unique,
    payload text not null,
    state text not null check (state in ('ready', 'running', 'done', 'failed')),
    attempts integer not null check (attempts >= 0),
    run_after integer not null,
    lease_until integer,
    leased_by text,
    last_error text,
    created_at integer not null,
    finished_at integer
) strict;
create index jobs_ready on jobs (run_after, id) where state = 'ready';
create index jobs_running on jobs (lease_until) where state = 'running';

create table idempotency (
    party_id text not null references parties (id),
    key text not null,
    use_case text not null,
    request_digest text not null,
    resource text,
    created_at integer not null,
    primary key (party_id, key)
) strict;
create index idempotency_created on idempotency (created_at);

create table kev (
    cve text primary key,
    listed_at integer not null
) strict;

create table ssvc_points (
    cve text primary key,
    automatable text check (automatable in ('yes', 'no')),
    technical_impact text check (technical_impact in ('partial', 'total')),
    exploitation text
) strict;

create table meta (
    key text primary key,
    value text not null
) strict;
