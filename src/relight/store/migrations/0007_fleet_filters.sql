-- What `systems` is filtered by, each along its own index: see store/candidates.py.

CREATE INDEX system_status_at ON system (status_at);
CREATE INDEX system_connection ON system (connection_type, system_id);
