"""A web site of toy pictures for a trial: runs in the worker's image, which can draw them.

`/N.jpg` is a picture, always the same one; every other address is gone.
"""

import re
import sys
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

from workers.toy.drawing import UNSEEN, draw_scenes

SEED = 20_221_101


@cache
def jpeg(number: int) -> bytes:
    """Picture `number`, 96 pixels wide and high."""
    _, image = next(draw_scenes(UNSEEN, SEED + number, (96, 96)))
    body = BytesIO()
    image.save(body, "jpeg", quality=92)
    return body.getvalue()


class Site(BaseHTTPRequestHandler):
    """Answers one request."""

    def do_GET(self) -> None:
        found = re.fullmatch(r"/(\d+)\.jpg", self.path)
        body = jpeg(int(found[1])) if found else b"gone"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "image/jpeg" if found else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's word
        """A line for each request would hide everything else."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Site).serve_forever()
