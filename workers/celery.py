"""The app of `celery -A workers`."""

import sys

from common.console.cli import fail, load_settings
from common.errors import FleetError
from common.queue.app import make_app
from workers.delivery.task import register_task
from workers.process.lifecycle import connect_lifecycle

try:
    settings = load_settings()
except FleetError as error:
    sys.exit(fail(error))

app = make_app(settings)
app.conf.imports = ("workers.celery",)  # a spawned child imports it to register the task
app.conf.worker_consumer = "workers.delivery.consumer:FleetConsumer"
app.events.dispatcher_cls = "workers.delivery.consumer:FleetDispatcher"
register_task(app, settings)
connect_lifecycle(settings)
