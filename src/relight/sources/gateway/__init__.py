"""Gateways on the roof: asked over the local network, what they answer becomes reports.

What is read goes to the spool first (`spool`); what a poll means is a pure function of it and of a
memory (`derive`); the collector drives both (`collector`). Facts: docs/gateways.md.
"""
