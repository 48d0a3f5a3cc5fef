"""The parent divides the machine among its children: how many there are, their cores, those on a card."""

import os
import shutil
import subprocess

from common.machine import count_cores, memory_bytes, visible_gpus
from common.settings import AUTO, Settings
from workers.device.capacity import choose_processes
from workers.device.share import set_processes_on_card

MIB = 1 << 20


def divide_machine(settings: Settings) -> Settings:
    """The settings with a number of processes; children find their share in the environment."""
    free = free_memory_of_cards(settings.device)
    processes = settings.worker_processes
    if processes == AUTO:
        fullest = min(free, default=0)
        processes = choose_processes(fullest, cards=len(free), cores=count_cores(), memory=memory_bytes())
    set_processes_on_card(-(-processes // max(1, len(free))))
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, count_cores() // processes)))
    return settings.model_copy(update={"worker_processes": processes})


def free_memory_of_cards(device: str) -> list[int]:
    """Free bytes of each card that this worker may use, by the driver's tool: the parent loads no torch."""
    tool = shutil.which("nvidia-smi")
    if tool is None or not device.startswith(("auto", "cuda")):
        return []
    query = [tool, "--query-gpu=index,uuid,memory.free", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)  # noqa: S603 - a driver's tool
    rows = [[cell.strip() for cell in line.split(",")] for line in answer.stdout.splitlines()]
    cards = {row[0]: (row[1], int(row[2]) * MIB) for row in rows if len(row) == 3 and row[2].isdigit()}  # noqa: PLR2004 - columns asked for
    names = visible_gpus(cards)
    if device.startswith("cuda:"):
        names = names[int(device[5:]) :][:1] if device[5:].isdigit() else []
    return [free for name in names for own, (uuid, free) in cards.items() if _is_same(name, own, uuid)]


def _is_same(name: str, number: str, uuid: str) -> bool:
    """CUDA takes a number, or the beginning of an id."""
    return name == number or (name.startswith("GPU-") and uuid.startswith(name))
