-- How people sign in, and what they and developers do on the pages. All reference tables: small, asked without a system.

ALTER TABLE user_account ADD COLUMN is_admin {int} NOT NULL DEFAULT 0;

-- How a user signs in. `sign_in` is their e-mail address, folded; an empty hash opens nothing.
CREATE TABLE credential (
    user_id {int} NOT NULL PRIMARY KEY,
    sign_in TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    changed_at {int} NOT NULL,
    totp_secret TEXT NOT NULL,
    totp_step {int} NOT NULL
){key_table};

-- Browsers that are signed in; of the cookie only the digest is kept.
CREATE TABLE session (
    digest {bytes} NOT NULL PRIMARY KEY,
    user_id {int} NOT NULL,
    created_at {int} NOT NULL,
    seen_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    agent TEXT NOT NULL,
    address TEXT NOT NULL
){key_table};
CREATE INDEX session_of_user ON session (user_id);
CREATE INDEX session_expires ON session (expires_at);

-- Links that do one thing once: reset a password, accept an invitation, take a system over.
CREATE TABLE link (
    digest {bytes} NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    user_id {int},
    of_system_id {int},
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    sees_consumption {int} NOT NULL,
    made_by {int},
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL
){key_table};
CREATE INDEX link_system ON link (of_system_id);
CREATE INDEX link_user ON link (user_id);
CREATE INDEX link_expires ON link (expires_at);

-- Sign-ins that failed, by a digest of what they are counted by.
CREATE TABLE sign_in_failure (
    subject {bytes} NOT NULL PRIMARY KEY,
    failures {int} NOT NULL,
    last_at {int} NOT NULL
){key_table};
CREATE INDEX sign_in_failure_last ON sign_in_failure (last_at);

-- What all processes of an installation must agree on and nobody may know.
CREATE TABLE server_secret (
    name TEXT NOT NULL PRIMARY KEY,
    value {bytes} NOT NULL
){key_table};

-- Authorisations from before this instant do not cover the system: it had another owner then.
ALTER TABLE user_access ADD COLUMN grants_from_at {int} NOT NULL DEFAULT 0;

-- The developer who registered an application; none: an administrator did.
ALTER TABLE application ADD COLUMN owner_id {int};
CREATE INDEX application_owner ON application (owner_id);
CREATE INDEX app_grant_app ON app_grant (app_id);

CREATE TABLE app_redirect (
    app_id {int} NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (app_id, address)
){key_table};

-- Answered and refused calls by endpoint and status: for developers to see, not for quotas.
CREATE TABLE app_call (
    app_id {int} NOT NULL,
    hour_at {int} NOT NULL,
    endpoint TEXT NOT NULL,
    status {int} NOT NULL,
    calls {int} NOT NULL,
    PRIMARY KEY (app_id, hour_at, endpoint, status)
){key_table};
CREATE INDEX app_call_hour ON app_call (hour_at);

-- The same by the minute, of the last day alone.
CREATE TABLE app_minute (
    app_id {int} NOT NULL,
    minute_at {int} NOT NULL,
    calls {int} NOT NULL,
    refused {int} NOT NULL,
    PRIMARY KEY (app_id, minute_at)
){key_table};
CREATE INDEX app_minute_at ON app_minute (minute_at);
