"""What one server process keeps of systems between its transactions: their books, as last saved.

Touches nothing. A book is in one place at a time: on the shelf, or with the transaction that took
it. Only one that was committed comes back, and whoever takes it compares the row that it is of:
each change moves a system's version. So another process can have changed anything meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from relight.store.room import BOOK_BYTES_MAX

if TYPE_CHECKING:
    from relight.store.book import Book


class Shelf:
    """Books of systems, bounded: the one that was away from reports for longest goes first."""

    def __init__(self, bytes_max: int = BOOK_BYTES_MAX) -> None:
        """Keep books of about *bytes_max* in all."""
        self._bytes_max = bytes_max
        self._bytes = 0
        self._books: OrderedDict[int, tuple[Book, int]] = OrderedDict()

    def take(self, system_id: int) -> Book | None:
        """Take the book of a system away."""
        found = self._books.pop(system_id, None)
        if found is None:
            return None
        self._bytes -= found[1]
        return found[0]

    def put(self, book: Book) -> None:
        """Put a book back that says what is stored."""
        system_id, size = book.system.system_id, book.size_bytes()
        self.take(system_id)
        self._books[system_id] = (book, size)
        self._bytes += size
        while self._bytes > self._bytes_max:
            _, (_, size) = self._books.popitem(last=False)
            self._bytes -= size


class Desk:
    """Where the books lie that a transaction has written, until it is committed.

    Several changes may be committed together, each of which may fail by itself.
    """

    def __init__(self, shelf: Shelf) -> None:
        """Take books from *shelf*."""
        self._shelf = shelf
        self._done: dict[int, Book] = {}
        self._changing: dict[int, Book] = {}

    def take(self, system_id: int) -> Book | None:
        """Return a system's book as it was last written, to whoever has locked the system."""
        for books in (self._changing, self._done):
            if system_id in books:
                return books.pop(system_id)
        return self._shelf.take(system_id)

    def lay(self, book: Book) -> None:
        """Lay down a book that says what is now written."""
        self._changing[book.system.system_id] = book

    def done(self) -> None:
        """Take note that a change came to its end."""
        self._done |= self._changing
        self._changing.clear()

    def undone(self) -> None:
        """Throw away what a change wrote that failed."""
        self._changing.clear()

    def committed(self) -> None:
        """Put every book back on the shelf."""
        for book in self._done.values():
            self._shelf.put(book)
        self._done.clear()

    def lost(self) -> None:
        """Throw everything away: nothing of it was committed."""
        self._changing.clear()
        self._done.clear()
