-- Why: when a number is corrected, the documents that printed the old one must be found without reading them all.
-- A row says that a document stands on numbers of a delivery, printed or withheld.

create table report_input (
  snapshot text collate "C" not null,
  report text collate "C" not null references report (id),
  primary key (snapshot, report)
);

create index report_input_report on report_input (report);

insert into report_input (snapshot, report)
select distinct source.entry ->> 'snapshot', report.id
from report
cross join lateral jsonb_path_query(report.document::jsonb, '$.sources[*]') source (entry)
where source.entry ->> 'snapshot' is not null;
