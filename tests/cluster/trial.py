"""A trial run: the laptop's overlay with a web site of its own and parts of many small batches."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.version import __version__

HERE = Path(__file__).parent
MANIFESTS = HERE.parents[1] / "k8s"
SITE = "http://pictures:8000"
PRIVATE = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10"
DEAD_LINK_EVERY = 10

KUSTOMIZATION = """
namespace: caption-fleet
resources: [../laptop, trial.yaml]
components: [{components}]
configMapGenerator:
  - name: parts
    behavior: replace
    files: [{parts}]
    options: {{disableNameSuffixHash: true}}
  - name: pictures
    files: [pictures.py]
    options: {{disableNameSuffixHash: true}}
images:
  - {{name: caption-fleet-worker, newTag: {version}}}
patches:
  - patch: |
      apiVersion: v1
      kind: ConfigMap
      metadata: {{name: run}}
      data: {{PARTS: "/parts/*.parquet"}}
  - patch: |
      apiVersion: v1
      kind: ConfigMap
      metadata: {{name: fleet}}
      data:
        FLEET_FETCH_ALLOW_NETWORKS: {networks}
        FLEET_FETCH_CONTACT: https://example.org/trial
        FLEET_FETCH_PER_HOST: "32"
        FLEET_LEASE_VISIBILITY_TIMEOUT: "{silence}"
        FLEET_LEASE_SWEEP: "5"
"""


@dataclass(frozen=True, slots=True)
class Trial:
    """How large a trial is; a part is a batch.

    Args:
        silence: seconds after which a vanished worker's batch is handed to another.
    """

    batches: int
    rows_of_a_batch: int
    silence: int = 45
    networks: str = PRIVATE
    components: Sequence[str] = ()

    @property
    def rows(self) -> int:
        return self.batches * self.rows_of_a_batch

    @property
    def dead_links(self) -> int:
        return sum(self.is_dead(row) for row in range(self.rows))

    @staticmethod
    def is_dead(row: int) -> bool:
        return row % DEAD_LINK_EVERY == 0


def write_trial(trial: Trial, folder: Path) -> Path:
    """Copy the manifests into `folder` and add the trial's overlay; returns the overlay."""
    shutil.copytree(MANIFESTS, folder / "k8s")
    overlay = folder / "k8s" / "overlays" / "trial"
    overlay.mkdir()
    for name in ("trial.yaml", "pictures.py"):
        shutil.copy(HERE / name, overlay)
    parts = [_write_part(trial, number, overlay) for number in range(trial.batches)]
    text = KUSTOMIZATION.format(
        components=", ".join(f"../../components/{name}" for name in trial.components),
        parts=", ".join(parts),
        networks=trial.networks,
        silence=trial.silence,
        version=__version__,
    )
    (overlay / "kustomization.yaml").write_text(text)
    return overlay


def _write_part(trial: Trial, number: int, folder: Path) -> str:
    first = number * trial.rows_of_a_batch
    rows = range(first, first + trial.rows_of_a_batch)
    urls = [f"{SITE}/gone/{row}" if trial.is_dead(row) else f"{SITE}/{row}.jpg" for row in rows]
    name = f"part-{number:05d}.parquet"
    pq.write_table(pa.table({"URL": urls, "TEXT": [f"row {row}" for row in rows]}), folder / name)
    return name
