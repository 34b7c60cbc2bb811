-- Texts that imports brought: abstracts of shipped papers, and papers that are not shipped.
create table entries (
  slug text primary key,
  title text not null,
  -- The title without case, spaces and punctuation: what makes two titles the same.
  title_key text not null unique,
  abstract text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table runs (
  id text primary key,
  -- The order of the queue.
  sequence bigserial not null unique,
  slug text not null,
  scale text not null check (scale in ('smoke', 'default', 'full')),
  seeds integer check (seeds > 0),
  status text not null
    check (status in ('queued', 'running', 'done', 'failed', 'stopped', 'interrupted')),
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  -- json, not jsonb: metrics, arms and curves keep the order in which the study names them.
  trials json not null default '[]',
  verdicts json not null default '[]',
  environment json not null default '{}',
  error text
);
create index runs_by_slug on runs (slug, sequence);
create index runs_by_status on runs (status, sequence);

create table run_events (
  run_id text not null references runs (id) on delete cascade,
  id integer not null,
  event json not null,
  primary key (run_id, id)
);
