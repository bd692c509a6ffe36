-- What the lists of the administration pages are searched in and walked along.
-- `name_key`: the name, and of a user the e-mail address, folded.

ALTER TABLE user_account ADD COLUMN name_key {key_text} NOT NULL DEFAULT '';
ALTER TABLE company ADD COLUMN name_key {key_text} NOT NULL DEFAULT '';
UPDATE user_account SET name_key = lower(name || ' ' || email);
UPDATE company SET name_key = lower(name);

CREATE INDEX user_company ON user_account (company_id, user_id);
CREATE INDEX report_key_created ON report_key (created_at, key_digest);
CREATE INDEX report_key_of_system ON report_key_system (system_id);
CREATE INDEX audit_system ON audit (system_id, at, audit_id);
CREATE INDEX audit_who ON audit (who, at, audit_id);
CREATE INDEX audit_action ON audit (action, at, audit_id);
