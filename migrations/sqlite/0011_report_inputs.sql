-- Why: when a number is corrected, the documents that printed the old one must be found without reading them all.
-- A row says that a document stands on numbers of a delivery, printed or withheld.

create table report_input (
  snapshot text not null,
  report text not null references report (id),
  primary key (snapshot, report)
) strict;

create index report_input_report on report_input (report);

insert into report_input (snapshot, report)
select distinct source.value ->> '$.snapshot', report.id
from report, json_each(report.document, '$.sources') source
where json_valid(report.document) and source.value ->> '$.snapshot' is not null;
