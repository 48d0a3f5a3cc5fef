"""A whole fleet on one machine: embedded broker, workers and one progress bar."""

import importlib.util
from collections.abc import Sequence
from dataclasses import replace

import redis

from common.contact import require_contact
from common.errors import FleetError
from common.queue.broker import connect
from common.queue.kombu_queue import forget_queue
from common.queue.last_return import Return, forget_return
from common.queue.live import LiveRun
from common.queue.queued_batches import QueuedBatches
from common.settings import Settings
from producer.batch_size import batch_rows_without_gpu, warn_of_long_batches
from producer.embedded import embedded_broker
from producer.enqueue import Plan, plan_run, queue_plan
from producer.follow import follow
from producer.local_folder import state_folder
from producer.local_workers import has_accelerator, require_alive, run_workers
from producer.options import EnqueueOptions
from producer.refused import warn_of_signs
from producer.run_status import RunStatus
from producer.status import StatusReader


def run_locally(
    arguments: Sequence[str],
    output: str,
    settings: Settings,
    options: EnqueueOptions,
    *,
    workers: int,
) -> RunStatus:
    """Enqueue parts and run workers until every batch is done; started again it resumes.

    Raises:
        FleetError: bad input, a worker that fails to run, or another `producer local` on the same output.
    """
    _require_worker_packages()
    plan = _plan(arguments, output, settings, options)
    uri = plan.store.uri
    with state_folder(uri) as folder, embedded_broker(folder) as broker:
        settings = settings.model_copy(update={"broker_url": broker, "output": uri})
        client = connect(broker)
        _forget_workers(client, uri)
        queue_plan(plan, settings)
        with run_workers(workers, folder, settings) as processes:
            state = follow(
                StatusReader(plan.store, settings),
                QueuedBatches(client, uri),
                LiveRun(client, uri),
                read_return=lambda: Return.read(client, uri),
                check=lambda: require_alive(processes, folder),
            )
    warn_of_signs(plan.store, plan.run, plan.parts)
    return state


def _plan(arguments: Sequence[str], output: str, settings: Settings, options: EnqueueOptions) -> Plan:
    """The plan for this machine: without a GPU batches are smaller, and large ones are warned of."""
    has_gpu = has_accelerator(settings)
    if not has_gpu:
        options = replace(options, usual_batch_rows=batch_rows_without_gpu(settings))
    plan = plan_run(arguments, output, settings, options)
    if any(part.kind == "links" for part in plan.parts):
        require_contact(settings.fetch)
    if not has_gpu:
        warn_of_long_batches(plan.run.batch_rows, settings)
    return plan


def _forget_workers(client: redis.Redis, uri: str) -> None:
    """No worker of an earlier start lives: the batches that it held are missing, and queued again."""
    forget_queue(client)
    QueuedBatches(client, uri).forget()
    LiveRun(client, uri).forget_running()
    forget_return(client, uri)


def _require_worker_packages() -> None:
    if importlib.util.find_spec("torch") is None:
        raise FleetError(
            "the workers' packages are not installed; install the extra `worker`:"
            " pip install '.[worker]' in a checkout"
        )
