"""The demo's page of samples: `dataset gallery`, with the pictures put into the page.

A run's gallery loads pictures from the web. The demo's web is gone when somebody opens the page.
"""

import base64
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.demo.parts import Link

WEB, EMBEDDED = "img-src http: https:", "img-src data:"


def write_gallery(run: Path, page: Path, links: Iterable[Link]) -> None:
    """Draw samples of `run` into `page`, a file that needs nothing else."""
    arguments = ["gallery", "--run", str(run), "--page", str(page), "--title", "The demo's captions"]
    subprocess.run([str(Path(sys.executable).parent / "dataset"), *arguments], check=True)
    text = page.read_text(encoding="utf-8").replace(WEB, EMBEDDED)
    for link in links:
        if link.image:
            kind = link.image.path.rpartition(".")[2]
            body = base64.b64encode(link.image.body).decode()
            text = text.replace(f'src="{link.url}"', f'src="data:image/{kind};base64,{body}"')
    page.write_text(text, encoding="utf-8")
