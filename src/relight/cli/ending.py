"""How a command ends that could not do what it was told: one line on standard error, status 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from relight.errors import RelightError

#: What is interrupted from the keyboard ends with this status, as shells have it.
INTERRUPTED: Final = 130
#: The store holds what nobody else on this machine should read.
PRIVATE_MASK: Final = 0o077


@contextmanager
def told() -> Iterator[None]:
    """Turn what is raised on purpose into a line and an exit status."""
    try:
        yield
    except RelightError as error:
        sys.stderr.write(f"relight: {' '.join(str(error).split())}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
