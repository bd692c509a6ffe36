-- What lists of systems are sorted by and searched in, kept in the row that every report writes anyway.
-- `name_key`: name, public name and city, folded. `heard_at`: the last report, 0 without one.
-- `listed_w`: the size as given, else `rated_w`, what the active inverters add up to.

ALTER TABLE system ADD COLUMN name_key {key_text} NOT NULL DEFAULT '';
ALTER TABLE system ADD COLUMN heard_at {int} NOT NULL DEFAULT 0;
ALTER TABLE system ADD COLUMN rated_w {int} NOT NULL DEFAULT 0;
ALTER TABLE system ADD COLUMN listed_w {int} NOT NULL DEFAULT 0;

CREATE INDEX system_name ON system (name_key, system_id);
CREATE INDEX system_heard ON system (heard_at, system_id);
CREATE INDEX system_size ON system (listed_w, system_id);
CREATE INDEX system_status ON system (status, system_id);
CREATE INDEX system_installer ON system (installer_id);

-- A status that is due is looked at again at once, and with it all of the above.
UPDATE system SET name_key = lower(name), status_due_at = 0;
