"""A server on this machine that offers one file, with the faults that servers have."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from sam_seismic.downloads import Published

MB = 1 << 20
CONTENT = bytes(range(256)) * (5 * MB // 256)


@dataclass
class Shop:
    """What the server offers and what it was asked for."""

    content: bytes = CONTENT
    ranges: bool = True
    break_after: int | None = None
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)
    port: int = 0

    def published(self, file: str, algorithm: str = "sha256") -> Published:
        """What the server should offer."""
        digits = hashlib.new(algorithm, CONTENT).hexdigest()
        return Published(file, f"http://127.0.0.1:{self.port}/{file}", f"{algorithm}:{digits}", len(CONTENT))


@contextmanager
def open_shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            shop.asked.append(wanted)
            if shop.status is not None:
                self.send_error(shop.status)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and shop.ranges else 0
            total = len(shop.content)
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
            self.send_header("Content-Length", str(total - start))
            self.end_headers()
            self.wfile.write(shop.content[start : shop.break_after])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield shop
        server.shutdown()
        thread.join()
