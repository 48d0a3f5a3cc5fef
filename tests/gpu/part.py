"""One part of the check in its own process: `python -m tests.gpu.part NAME DEVICE` answers a JSON line."""

import json
import sys
from dataclasses import asdict
from importlib import import_module

from tests.gpu.report import Report
from workers.device.errors import find_device_error

NO_DEVICE = 2


def main(name: str, device: str) -> int:
    """Returns the exit code; 2 where the device cannot be had."""
    import torch  # noqa: PLC0415 - a broken one is a line as well

    from workers.cascade.device import choose_device  # noqa: PLC0415

    report = Report()
    try:
        chosen = choose_device(device)
        import_module(f"tests.gpu.parts.{name}").check(torch.device(chosen), report)
    except Exception as error:
        found = find_device_error(error)
        if found is None:
            raise
        sys.stderr.write(f"error: {found}\n")
        return NO_DEVICE
    sys.stdout.write(json.dumps(asdict(report), default=str) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
