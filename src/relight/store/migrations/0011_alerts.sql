-- What is wrong with systems and who has been told, so that each is told once, and its end once.

CREATE TABLE alert (
    system_id {int} NOT NULL,
    trouble TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity {int} NOT NULL,
    what TEXT NOT NULL,
    href TEXT NOT NULL,
    began_at {int} NOT NULL,
    told_at {int},
    gone_at {int},
    claimed_until {int} NOT NULL,
    PRIMARY KEY (system_id, trouble, subject)
){key_table};

-- Users who want e-mail about a system that they see.
CREATE TABLE alert_choice (
    user_id {int} NOT NULL,
    system_id {int} NOT NULL,
    PRIMARY KEY (user_id, system_id)
){key_table};
CREATE INDEX alert_choice_system ON alert_choice (system_id);
