"""Images of far more memory than their pixels take it one after the other."""

import subprocess
import sys

from tests.workers.decode.corpus import encode, noise
from tests.workers.decode.groups import SIDE, webp_of_groups
from workers.decode.budget import Budget
from workers.decode.formats.webp import read_webp

MOST_MB = 500
"""Of one such image, and some more."""

AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from tests.peak import peak_bytes
from workers.decode.here import decode_here
body, before = sys.stdin.buffer.read(), peak_bytes()
with ThreadPoolExecutor(3) as threads:
    shapes = list(threads.map(lambda _: decode_here(body, max_pixels=10**7).shape, range(3)))
print(*shapes[0], peak_bytes() - before >> 20)
"""


def test_code_tables_of_webp_are_held_by_one_image_at_a_time() -> None:
    command = [sys.executable, "-c", AT_ONCE]
    done = subprocess.run(command, input=webp_of_groups(), capture_output=True, check=True)
    height, width, _, growth = map(int, done.stdout.split())
    assert (height, width) == (SIDE, SIDE)
    assert growth < MOST_MB


def test_ordinary_images_wait_for_none() -> None:
    for options in ({"lossless": True}, {"quality": 80}):
        assert not read_webp(encode(noise(256), "WEBP", **options), Budget(1)).is_greedy
