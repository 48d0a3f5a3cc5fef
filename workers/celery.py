"""The app of `celery -A workers`."""
# ruff: noqa: E402 - a worker listens to signals before the other imports, which take seconds

from workers.process.early_stop import end_on_signals

end_on_signals()

import sys

from common.console.cli import fail, load_settings
from common.errors import FleetError
from common.queue.app import make_app
from workers.delivery.task import register_task
from workers.process.lifecycle import connect_lifecycle

try:
    settings = load_settings()
    app = make_app(settings)
except FleetError as error:
    sys.exit(fail(error))

app.conf.imports = ("workers.celery",)  # a spawned child imports it to register the task
app.conf.worker_consumer = "workers.delivery.consumer:FleetConsumer"
app.events.dispatcher_cls = "workers.delivery.consumer:FleetDispatcher"
register_task(app, settings)
connect_lifecycle(settings)
