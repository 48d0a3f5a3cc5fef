"""Which of torch's attention kernels may be used."""

from contextlib import AbstractContextManager
from typing import Final

from torch.nn.attention import SDPBackend, sdpa_kernel

_UNPLANNED: Final = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def varying_shapes() -> AbstractContextManager[None]:
    """For shapes that change: cuDNN's kernel, else the fastest, takes 50 ms to plan a new one."""
    return sdpa_kernel(_UNPLANNED)
