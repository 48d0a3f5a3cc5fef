"""`auto` in the settings, replaced by figures for this process's share of its machine."""

import sys
from functools import cache

from common.settings import AUTO, Settings
from workers.device.capacity import IN_FLIGHT, choose_micro_batch, share_of_card
from workers.device.share import processes_on_card


def fit_settings(settings: Settings) -> Settings:
    """The settings with a GPU's numbers, once the models are loaded; as they are without one."""
    memory = _memory()
    if memory is None:
        return settings
    changes: dict[str, object] = {}
    if settings.micro_batch == AUTO:
        changes["micro_batch"] = choose_micro_batch(memory)
    if settings.fetch.concurrency == AUTO:
        in_flight = IN_FLIGHT // processes_on_card()
        changes["fetch"] = settings.fetch.model_copy(update={"concurrency": in_flight})
    return settings.model_copy(update=changes)


@cache
def _memory() -> int | None:
    """Bytes of a card that this process may take, its models' included; None without a card."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    free, total = torch.cuda.mem_get_info()
    return share_of_card(free + torch.cuda.memory_reserved(), total, processes_on_card())
