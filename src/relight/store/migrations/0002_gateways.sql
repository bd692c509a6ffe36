-- Gateways that are collected from, and what is remembered of each between two polls.
-- Tokens and passwords are not here but in files that only the collector's user may read.

CREATE TABLE gateway (
    system_id {int} NOT NULL,
    serial_number TEXT NOT NULL,
    host TEXT NOT NULL,
    username TEXT NOT NULL,
    added_at {int} NOT NULL,
    PRIMARY KEY (system_id, serial_number)
){key_table};

-- Stays when a gateway is removed: added again, it goes on where it stopped.
CREATE TABLE gateway_memory (
    system_id {int} NOT NULL,
    serial_number TEXT NOT NULL,
    version {int} NOT NULL,
    data {bytes} NOT NULL,
    PRIMARY KEY (system_id, serial_number)
){key_table};
