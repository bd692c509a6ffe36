"""The command `relight`: the composition root, and the only part that imports entry points.

Light on purpose: worker processes are modules of this package and never load the command line.
"""


def main() -> None:
    """Run the command line and exit with its status."""
    from relight.cli.commands import run

    run()
