-- Filters that few systems meet, alone or two together, each along its own index: see store/candidates.py.

CREATE INDEX company_reference_folded ON company_reference (company_id, lower(reference), system_id);
CREATE INDEX system_installer_status ON system (installer_id, status, system_id);

-- The number of the last change of any system's name, in the row 0: see store/names.py.
CREATE TABLE naming (
    fleet {int} NOT NULL PRIMARY KEY,
    number {int} NOT NULL
){rowid_table};
