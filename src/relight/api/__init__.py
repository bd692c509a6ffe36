"""HTTP: the v2 API, ingestion, and what both need of a request and an answer."""
