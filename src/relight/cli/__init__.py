"""The command `relight`: the composition root, and the only part that imports entry points.

Light on purpose: worker processes are modules of this package and never load the command line.
"""

import sys


def main() -> None:
    """Run the command line and exit with its status."""
    first, rest = sys.argv[1:2], sys.argv[2:]
    if first == ["serve"]:
        from relight.cli import serve

        serve.main(rest)
    else:
        from relight.cli import commands

        commands.run()
