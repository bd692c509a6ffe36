-- The store as it began. Words in braces are the dialect's (see store/migrate.py).
-- Citus' rules hold: what belongs to a system has system_id in its key; the rest are reference tables.

CREATE TABLE system (
    system_id {int} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    public_name TEXT NOT NULL,
    is_anonymous {int} NOT NULL,
    timezone TEXT NOT NULL,
    country TEXT NOT NULL,
    state TEXT NOT NULL,
    city TEXT NOT NULL,
    postal_code TEXT NOT NULL,
    connection_type TEXT NOT NULL,
    interconnect_at {int},
    size_w {int},
    installer_id {int},
    is_api_enabled {int} NOT NULL,
    created_at {int} NOT NULL,
    version {int} NOT NULL,
    last_device_id {int} NOT NULL,
    packed_to_day {int} NOT NULL,
    pack_due_at {int} NOT NULL,
    status TEXT NOT NULL,
    status_at {int} NOT NULL,
    status_due_at {int} NOT NULL,
    file_last_report_at {int},
    file_last_energy_at {int},
    file_operational_at {int},
    file_meter_start_day {int}
){rowid_table};
CREATE INDEX system_pack_due ON system (pack_due_at);
CREATE INDEX system_status_due ON system (status_due_at);

CREATE TABLE series (
    system_id {int} NOT NULL,
    source {int} NOT NULL,
    first_end_at {int},
    last_end_at {int},
    PRIMARY KEY (system_id, source)
){key_table};

CREATE TABLE device (
    system_id {int} NOT NULL,
    device_id {int} NOT NULL,
    kind {int} NOT NULL,
    serial_number TEXT NOT NULL,
    wire_id {int},
    envoy_serial TEXT NOT NULL,
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    part_number TEXT NOT NULL,
    sku TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    is_enabled {int} NOT NULL,
    has_issue {int} NOT NULL,
    retired_at {int},
    proc_load TEXT NOT NULL,
    param_table TEXT NOT NULL,
    grid_profile TEXT NOT NULL,
    signal_strength {int} NOT NULL,
    rated_power_w {int} NOT NULL,
    device_count {int} NOT NULL,
    first_at {int},
    first_end_at {int},
    registers {int} NOT NULL,
    read_first_at {int},
    read_last_at {int},
    told_at {int},
    reported_at {int},
    interval_end_at {int},
    interval_duration_s {int},
    interval_energy_j {int},
    snapshot_at {int},
    snapshot_power_w {int},
    snapshot_energy_j {int},
    packed_energy_j {int} NOT NULL,
    charge_percent {float},
    charge_changed_at {int},
    dark_day {int},
    is_dark {int} NOT NULL,
    PRIMARY KEY (system_id, device_id),
    UNIQUE (system_id, kind, serial_number)
){key_table};

-- Which system an active envoy reports for.
CREATE TABLE envoy_serial (
    serial_number TEXT NOT NULL PRIMARY KEY,
    system_id {int} NOT NULL
){key_table};

-- Time first, in buckets of five minutes: see docs/decisions/0003.
CREATE TABLE interval (
    slot_at {int} NOT NULL,
    system_id {int} NOT NULL,
    device_id {int} NOT NULL,
    channel {int} NOT NULL,
    end_at {int} NOT NULL,
    duration_s {int} NOT NULL,
    energy_j {int} NOT NULL,
    devices {int} NOT NULL,
    origin {int} NOT NULL,
    PRIMARY KEY (slot_at, system_id, device_id, channel, end_at)
){slot_table};

CREATE TABLE reading (
    slot_at {int} NOT NULL,
    system_id {int} NOT NULL,
    device_id {int} NOT NULL,
    channel {int} NOT NULL,
    register {int} NOT NULL,
    read_at {int} NOT NULL,
    energy_j {int} NOT NULL,
    power_w {int},
    origin {int} NOT NULL,
    PRIMARY KEY (slot_at, system_id, device_id, channel, register, read_at)
){slot_table};
{slot_partitions}

CREATE TABLE device_day (
    system_id {int} NOT NULL,
    day {int} NOT NULL,
    device_id {int} NOT NULL,
    energy_j {int} NOT NULL,
    data {bytes} NOT NULL,
    PRIMARY KEY (system_id, day, device_id)
){key_table};

CREATE TABLE system_day (
    system_id {int} NOT NULL,
    source {int} NOT NULL,
    day {int} NOT NULL,
    version {int} NOT NULL,
    data {bytes} NOT NULL,
    PRIMARY KEY (system_id, source, day)
){key_table};

CREATE TABLE system_year (
    system_id {int} NOT NULL,
    source {int} NOT NULL,
    year {int} NOT NULL,
    version {int} NOT NULL,
    data {bytes} NOT NULL,
    PRIMARY KEY (system_id, source, year)
){key_table};

CREATE TABLE imported_day (
    system_id {int} NOT NULL,
    source {int} NOT NULL,
    day {int} NOT NULL,
    energy_wh {int} NOT NULL,
    PRIMARY KEY (system_id, source, day)
){key_table};

CREATE TABLE imported_period (
    system_id {int} NOT NULL,
    source {int} NOT NULL,
    first_day {int} NOT NULL,
    until_day {int} NOT NULL,
    energy_wh {int} NOT NULL,
    PRIMARY KEY (system_id, source, first_day, until_day)
){key_table};

CREATE TABLE company (
    company_id {int} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL
){rowid_table};

CREATE TABLE user_account (
    user_id {int} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    company_id {int}
){rowid_table};

CREATE TABLE plan (
    name TEXT NOT NULL PRIMARY KEY,
    minute_limit {int},
    month_limit {int},
    concurrent_limit {int} NOT NULL
){key_table};

CREATE TABLE application (
    app_id {int} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    plan TEXT NOT NULL,
    key_digest {bytes} NOT NULL UNIQUE,
    created_at {int} NOT NULL
){rowid_table};

-- A user's authorisation of an application.
CREATE TABLE app_grant (
    user_id {int} NOT NULL,
    app_id {int} NOT NULL,
    granted_at {int} NOT NULL,
    PRIMARY KEY (user_id, app_id)
){key_table};

CREATE TABLE app_usage (
    app_id {int} NOT NULL,
    month_start_at {int} NOT NULL,
    calls {int} NOT NULL,
    PRIMARY KEY (app_id, month_start_at)
){key_table};

-- What a user, or everyone of a company, may see of a system.
CREATE TABLE user_access (
    user_id {int} NOT NULL,
    system_id {int} NOT NULL,
    role TEXT NOT NULL,
    sees_consumption {int} NOT NULL,
    PRIMARY KEY (user_id, system_id)
){key_table};
CREATE INDEX user_access_system ON user_access (system_id);

CREATE TABLE company_access (
    company_id {int} NOT NULL,
    system_id {int} NOT NULL,
    sees_consumption {int} NOT NULL,
    PRIMARY KEY (company_id, system_id)
){key_table};
CREATE INDEX company_access_system ON company_access (system_id);

-- What a company calls a system.
CREATE TABLE company_reference (
    company_id {int} NOT NULL,
    system_id {int} NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (company_id, system_id)
){key_table};
CREATE INDEX company_reference_system ON company_reference (system_id);

CREATE TABLE report_key (
    key_digest {bytes} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at {int} NOT NULL
){key_table};

CREATE TABLE report_key_system (
    key_digest {bytes} NOT NULL,
    system_id {int} NOT NULL,
    PRIMARY KEY (key_digest, system_id)
){key_table};

-- Every change made by hand: who, when, what.
CREATE TABLE audit (
    audit_id TEXT NOT NULL PRIMARY KEY,
    at {int} NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    system_id {int},
    detail TEXT NOT NULL
){key_table};
CREATE INDEX audit_at ON audit (at);

INSERT INTO plan (name, minute_limit, month_limit, concurrent_limit) VALUES
    ('Watt', 10, 10000, 32),
    ('Kilowatt', 50, 25000, 32),
    ('Megawatt', 100, 300000, 32),
    ('Gigawatt', 300, 1500000, 32),
    ('Unlimited', NULL, NULL, 32);
