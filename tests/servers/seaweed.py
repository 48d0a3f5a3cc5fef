"""SeaweedFS: a real S3 server that honours conditional writes and refuses wrong keys."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.servers.ports import free_ports, wait_for

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ACCESS_KEY, SECRET_KEY = "fleet-test", "fleet-test-secret"
WEED = Path(sys.executable).parent / "weed"
# Each bucket takes a volume of its own, and by default a disk with 18 GB left has 18 of them.
ROOMY = ["-volume.max=1000", "-master.volumeSizeLimitMB=64"]
ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]


@dataclass(frozen=True)
class Seaweed:
    """A running server; `bucket(name)` makes a bucket."""

    endpoint_url: str
    process: "subprocess.Popen[bytes]"
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find it."""
        return {
            "FLEET_S3_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}),
        )

    def bucket(self, name: str) -> str:
        self.client().create_bucket(Bucket=name)
        return name


@contextmanager
def seaweed(folder: Path) -> Iterator[Seaweed]:
    """Run `weed mini` in `folder` until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [{"name": "test", "credentials": keys, "actions": ACTIONS}]}))
    s3, *others = free_ports(5)
    server = Seaweed(f"http://127.0.0.1:{s3}", _start(folder, config, s3, others))
    try:
        wait_for(s3)
        _until_ready(server)
        yield server
    finally:
        server.process.kill()  # an orderly end takes seconds, and nobody reads the folder again
        server.process.wait(20)


def _start(folder: Path, config: Path, s3: int, others: list[int]) -> "subprocess.Popen[bytes]":
    master, volume, filer, admin = others
    command = [
        str(WEED), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={s3}",
        f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-admin.port={admin}",
        "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={config}",
        *ROOMY,
    ]  # fmt: skip
    with (folder / "weed.log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)


def _until_ready(server: Seaweed, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            server.client().create_bucket(Bucket="ready")
            server.client().put_object(Bucket="ready", Key="ready", Body=b"")
        except (BotoCoreError, ClientError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
