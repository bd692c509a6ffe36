"""Relight: your own Enlighten Systems API.

Holds the version and nothing else; may import nothing of the package.
"""

__version__ = "0.1.0"
