"""The floor under every answer: the same HTTP stack, and bodies of a wanted size.

`python _constant.py` serves `/SIZE`, that many bytes of JSON text; nothing is looked up or made.
"""

import asyncio
import socket
from functools import cache

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@cache
def text(size: int) -> bytes:
    return b'"' + b"0" * (size - 2) + b'"'


async def constant(request: Request) -> Response:
    size = request.path_params["size"]
    return Response(text(size), media_type="application/json")


async def main() -> None:
    app = Starlette(routes=[Route("/{size:int}", constant)])
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"listening on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app, http="httptools", log_level="warning", access_log=False, timeout_keep_alive=600
    )
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    with asyncio.Runner(
        loop_factory=uvicorn.Config("", loop="uvloop").get_loop_factory()
    ) as runner:
        runner.run(main())
