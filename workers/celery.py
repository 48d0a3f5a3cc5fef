"""The app of `celery -A workers`."""
# ruff: noqa: E402 - before the other imports: they take seconds, and must be ours

from workers.process.early_stop import end_on_signals
from workers.process.safe_path import leave_working_folder_out

end_on_signals()
leave_working_folder_out()

import sys

from common.console.cli import fail, load_settings
from common.errors import FleetError
from common.queue.app import make_app
from workers.delivery.task import register_task
from workers.process.detach import check_before_detaching
from workers.process.flower_defaults import keep_flower_from_messages
from workers.process.lifecycle import connect_lifecycle

try:
    settings = load_settings()
    check_before_detaching(sys.argv, settings)
    app = make_app(settings)
except FleetError as error:
    sys.exit(fail(error))

app.conf.imports = ("workers.celery",)  # a spawned child imports it to register the task
app.conf.worker_consumer = "workers.delivery.consumer:FleetConsumer"
app.events.dispatcher_cls = "workers.delivery.consumer:FleetDispatcher"
keep_flower_from_messages(app, sys.argv)
register_task(app, settings)
connect_lifecycle(settings)
