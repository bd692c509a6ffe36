"""A gateway that does not exist: the answers of a real one's firmware, over a simulated roof.

Knows nothing of the collector in `sources/gateway`, which is tested against it.
"""
