"""Parsers of gateways' answers: text in, records out, nothing else touched.

A row that cannot be read is left out; an answer that is of another shape altogether is None.
"""
