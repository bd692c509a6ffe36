-- What a system's devices and series are as a whole, kept in the row that every report writes anyway.
-- See store/known.py; empty where it is not kept. The instants are those of `meta`, true from
-- `settled_at` until the status falls due.

ALTER TABLE system ADD COLUMN known {bytes} NOT NULL DEFAULT {no_bytes};
ALTER TABLE system ADD COLUMN last_report_at {int};
ALTER TABLE system ADD COLUMN last_energy_at {int};
ALTER TABLE system ADD COLUMN operational_at {int};
ALTER TABLE system ADD COLUMN settled_at {int} NOT NULL DEFAULT 253402300800;

-- A status that is due is looked at again at once, and with it all of the above.
UPDATE system SET status_due_at = 0;
