"""Telling people what is wrong with a system: by webhook and e-mail, once, and its end."""
