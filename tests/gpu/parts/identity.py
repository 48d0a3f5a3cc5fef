"""Which card, driver and libraries: what every other figure belongs to."""

import platform

import torch

from tests.gpu.report import Report
from workers.cascade.cuda import describe_gpu, has_kernels, open_gpu
from workers.cascade.device import choose_device, choose_dtype


def check(device: torch.device, report: Report) -> None:
    report.note("python", platform.python_version())
    report.note("torch", torch.__version__)
    if device.type != "cuda":
        return
    opened = open_gpu(str(device))
    report.figures |= describe_gpu(opened)
    report.note("cudnn", torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
    free, _ = torch.cuda.mem_get_info(opened)
    report.note("free_gib", round(free / 2**30, 1))
    report.note("dtype", str(choose_dtype("auto", opened)))
    architectures = torch.cuda.get_arch_list()
    capability = torch.cuda.get_device_capability(opened)
    report.require(
        "architectures", architectures, is_good=has_kernels(capability, architectures),
        rule="none of them runs on this card",
    )  # fmt: skip
    report.require("auto", str(choose_device("auto")), is_good=choose_device("auto").type == "cuda",
                   rule="auto has to be the GPU")  # fmt: skip
