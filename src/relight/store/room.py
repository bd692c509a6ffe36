"""How much memory the caches of one process take at most, in one place so that it adds up.

With what a process takes that keeps nothing, 40 MB, these come to 196 MB: measured with all of
them full, in a fleet of 100,000 systems.
"""

from __future__ import annotations

from typing import Final

#: Answers that were made before: `api.answers`.
ANSWERS_BYTES_MAX: Final = 32 * 2**20
#: Requests whose whole outcome is remembered, and callers, each of some hundred bytes.
REQUESTS_MAX: Final = 8_192
#: Books of the systems that report: `store.shelf`.
BOOK_BYTES_MAX: Final = 24 * 2**20
#: Systems of which what is known is kept, some kilobytes each: `store.systems`.
KEPT_MAX: Final = 2_000
#: Pages of SQLite that the connection of point reads keeps, and each of the three others. The first
#: holds the inner pages of an index over millions of days, so that a day is one page away.
POINT_CACHE_KIB: Final = 24 * 2**10
CACHE_KIB: Final = 8 * 2**10
