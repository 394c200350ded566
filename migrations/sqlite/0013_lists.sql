-- Why: the lists that a service asks for every minute must not grow slower with its age: when each source last brought
-- something, what is known of the pages of a source, which refused rows still wait.

create index run_published on run (source, finished_at) where state = 'published';
create index http_validator_source on http_validator (source);
create index quarantine_waiting on quarantine (id) where state = 'open';
