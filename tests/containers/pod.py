"""A rendered pod as options of `podman run`, as the kubelet would set up its one container."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.containers import images

Manifest = dict[str, Any]
UNITS = {"Ki": "k", "Mi": "m", "Gi": "g"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """The objects of an overlay, and stand-ins for the cluster around them.

    Args:
        hosts: addresses of Services, by name.
        folder: where files of ConfigMaps are written.
    """

    objects: tuple[Manifest, ...]
    secrets: Mapping[str, Mapping[str, str]]
    hosts: Mapping[str, str]
    folder: Path

    def find(self, kind: str, name: str) -> Manifest:
        (found,) = (one for one in self.objects if (one["kind"], one["metadata"]["name"]) == (kind, name))
        return found

    def template(self, kind: str, name: str) -> Manifest:
        """The pod that an object starts."""
        spec = self.find(kind, name)["spec"]
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        claims = spec.get("volumeClaimTemplates", [])
        pod: Manifest = spec["template"]["spec"]
        own = [
            {"name": one["metadata"]["name"], "persistentVolumeClaim": {"claimName": name}} for one in claims
        ]
        return pod | {"volumes": [*pod.get("volumes", []), *own]}


def options(cluster: Cluster, pod: Manifest) -> list[str]:
    """Everything of `podman run` before the image."""
    (container,) = pod["containers"]
    return [
        *_security(pod, container),
        *(f"--memory={_size(container['resources']['limits']['memory'])}",),
        *(f"--add-host={name}:{address}" for name, address in cluster.hosts.items()),
        *(f"--env={name}={value}" for name, value in environment(cluster, container).items()),
        *_mounts(cluster, pod, container),
        f"--stop-timeout={pod['terminationGracePeriodSeconds']}",
    ]


def image_and_command(cluster: Cluster, pod: Manifest) -> list[str]:
    """The image, where a pod's command replaces its entrypoint, and the words after it."""
    (container,) = pod["containers"]
    variables = environment(cluster, container)
    words = [_expand(word, variables) for word in container.get("command") or container.get("args", [])]
    name = container["image"].partition("@")[0]
    image = images.BROKER if name.startswith("valkey/") else f"localhost/{name}"
    if "command" in container:
        return [f"--entrypoint={words[0]}", image, *words[1:]]
    return [image, *words]


def environment(cluster: Cluster, container: Manifest) -> dict[str, str]:
    """Variables as the kubelet finds them: whole maps first, then one by one."""
    values: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            values |= cluster.find("ConfigMap", source["configMapRef"]["name"])["data"]
        else:
            values |= cluster.secrets.get(source["secretRef"]["name"], {})
    for one in container.get("env", []):
        values[one["name"]] = _value(cluster, one)
    return values


def _value(cluster: Cluster, variable: Manifest) -> str:
    if "value" in variable:
        return str(variable["value"])
    source = variable["valueFrom"]
    if "secretKeyRef" in source:
        return cluster.secrets[source["secretKeyRef"]["name"]][source["secretKeyRef"]["key"]]
    reference = source["configMapKeyRef"]
    return str(cluster.find("ConfigMap", reference["name"])["data"][reference["key"]])


def _expand(word: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$\((\w+)\)", lambda match: variables.get(match[1], match[0]), word)


def _security(pod: Manifest, container: Manifest) -> Iterator[str]:
    """Seccomp's default profile is on wherever it is not switched off."""
    context, own = pod["securityContext"], container["securityContext"]
    yield f"--user={context['runAsUser']}:{context['runAsGroup']}"
    yield from (f"--cap-drop={name}" for name in own["capabilities"]["drop"])
    if own["readOnlyRootFilesystem"]:
        yield from ("--read-only", "--read-only-tmpfs=false")
    if not own["allowPrivilegeEscalation"]:
        yield "--security-opt=no-new-privileges"


def _mounts(cluster: Cluster, pod: Manifest, container: Manifest) -> Iterator[str]:
    volumes = {one["name"]: one for one in pod["volumes"]}
    for mount in container.get("volumeMounts", []):
        volume, path = volumes[mount["name"]], mount["mountPath"]
        if "emptyDir" in volume:
            yield f"--tmpfs={path}:rw,exec,mode=1777,size={_size(volume['emptyDir']['sizeLimit'])}"
        elif "configMap" in volume:
            yield f"--volume={_files(cluster, volume['configMap']['name'])}:{path}:ro"
        else:
            yield f"--volume=fleet-{volume['persistentVolumeClaim']['claimName']}:{path}:U"


def _files(cluster: Cluster, name: str) -> Path:
    """The files of a ConfigMap, in a folder of their own."""
    folder, found = cluster.folder / name, cluster.find("ConfigMap", name)
    if not folder.exists():
        folder.mkdir(parents=True)
        for file, text in found.get("data", {}).items():
            (folder / file).write_text(text)
        for file, body in found.get("binaryData", {}).items():
            (folder / file).write_bytes(base64.b64decode(body))
    return folder


def _size(quantity: str) -> str:
    """Kubernetes' unit as podman's."""
    return quantity[:-2] + UNITS[quantity[-2:]]
