"""The floor under every answer: the server of `relight serve`, and bodies of a wanted size.

`python _constant.py` serves `/SIZE`, that many bytes of JSON text; nothing is looked up or made.
The process is a worker as `relight serve` starts it, with another application in it.
"""

import socket
from functools import cache
from typing import Any

from relight.cli import worker
from relight.cli.logs import Level
from relight.cli.place import BACKLOG, Place
from relight.config import Config


@cache
def answer(size: int) -> tuple[dict[str, object], dict[str, object]]:
    """Return the messages of an answer."""
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % size),
    ]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    return start, {"type": "http.response.body", "body": b'"' + b"0" * (size - 2) + b'"'}


async def constant(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI is
    """Answer, or run the lifespan."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    for message in answer(int(scope["path"][1:])):
        await send(message)


def main() -> None:
    """Serve on a free port until told to stop."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    print(f"listening on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    worker.create_app = lambda *_, **__: constant
    worker.run(Place(Config(), listening.detach(), Level.WARNING))


if __name__ == "__main__":
    main()
