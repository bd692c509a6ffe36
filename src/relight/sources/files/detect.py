"""Telling what kind of file something is, by its content and never by its name.

A new kind of file is one more entry of `FORMATS`, before those that would take it for theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relight.errors import BadInput
from relight.sources.files import native_reports, power_csv, report_csv, v2_answers

if TYPE_CHECKING:
    from relight.sources.files.parsed import Format, Options, Parsed, Target
    from relight.sources.files.reading import Content

FORMATS: Final = (
    native_reports.FORMAT,
    *v2_answers.FORMATS,
    report_csv.FORMAT,
    power_csv.FORMAT,
)

_LINE_SHOWN_MAX: Final = 60


def names() -> list[str]:
    """Return the names of all formats, in the order in which they are tried."""
    return [known.name for known in FORMATS]


def parse(content: Content, target: Target, options: Options, *, name: str | None = None) -> Parsed:
    """Return what *content* tells, read whole as the format called *name*, or as what it is.

    Raises BadInput where it is none of the formats or cannot be read as the named one.
    """
    if name is not None:
        return _named(name).read(content, target, options)
    for known in FORMATS:
        if known.fits(content, options):
            return known.read(content, target, options)
    first_line = content.text.strip().split("\n", 1)[0].strip()
    raise BadInput(
        "line 1",
        f"is neither JSON nor the header of a known CSV file: {first_line[:_LINE_SHOWN_MAX]!r} "
        "(name the columns of a power CSV by --time-column and --power-column)",
    )


def is_name(name: str) -> bool:
    """Tell whether there is a format of that name, `-` as good as `_`."""
    return _spelled(name) in names()


def _named(name: str) -> Format:
    for known in FORMATS:
        if known.name == _spelled(name):
            return known
    raise BadInput("--format", f"{name!r} is none of {', '.join(names())}")


def _spelled(name: str) -> str:
    return name.replace("-", "_").casefold()
