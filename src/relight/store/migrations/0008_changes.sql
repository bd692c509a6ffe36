-- What changed since: each day of a source says in which change it was written last. See docs/decisions/0014.

ALTER TABLE system_day ADD COLUMN changed_in {int} NOT NULL DEFAULT 0;
CREATE INDEX system_day_changed ON system_day (changed_in, system_id, source, day);

-- Since when a report key covers a system: all its days are news to the key then.
ALTER TABLE report_key_system ADD COLUMN changed_in {int} NOT NULL DEFAULT 0;
CREATE INDEX report_key_system_changed ON report_key_system (changed_in, key_digest, system_id);

-- Days that changed without being written: removed ones, and those of which a total was imported.
CREATE TABLE changed_day (
    system_id {int} NOT NULL,
    source {int} NOT NULL,
    day {int} NOT NULL,
    changed_in {int} NOT NULL,
    PRIMARY KEY (system_id, source, day)
){key_table};
CREATE INDEX changed_day_changed ON changed_day (changed_in, system_id, source, day);

-- Systems that a report key covered, and covers no more.
CREATE TABLE removed_system (
    key_digest {bytes} NOT NULL,
    system_id {int} NOT NULL,
    changed_in {int} NOT NULL,
    PRIMARY KEY (key_digest, system_id)
){key_table};
CREATE INDEX removed_system_changed ON removed_system (changed_in, key_digest, system_id);

-- What tokens are sealed with, drawn anew where the numbers of another database would be compared.
CREATE TABLE change_epoch (
    seal {bytes} NOT NULL PRIMARY KEY,
    home TEXT NOT NULL,
    number_min {int} NOT NULL
){key_table};
