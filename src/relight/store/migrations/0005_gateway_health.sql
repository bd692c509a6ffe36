-- How collecting from each gateway goes, for people to see: written by the collector after a poll.

CREATE TABLE gateway_health (
    system_id {int} NOT NULL,
    serial_number TEXT NOT NULL,
    polled_at {int} NOT NULL,
    answered_at {int},
    failing_since_at {int},
    is_refused {int} NOT NULL,
    error TEXT NOT NULL,
    saved_at {int},
    waiting_bytes {int} NOT NULL,
    PRIMARY KEY (system_id, serial_number)
){key_table};
