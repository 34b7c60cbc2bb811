-- What a run's numbers came from, so that an equal request can be answered with them.
alter table runs
  add column code text,
  add column settings json;
create index runs_by_code on runs (code) where status = 'done';
