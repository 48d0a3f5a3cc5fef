"""Serving a survey with uvicorn: one process, because SQLite has one writer."""

import signal
import sys
from pathlib import Path

import uvicorn

from common.errors import FleetError
from dataset.survey.database import open_database
from dataset.survey.door import DoorProtocol
from dataset.survey.layout import ANSWERS, read_survey
from dataset.survey.web.app import make_app

BACKLOG = 256
MOST_CONNECTIONS = 512


def serve(folder: Path, host: str, port: int, url: str | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C; answers in flight are still kept.

    Args:
        folder: of the survey.
        host: to listen on.
        port: to listen on.
        url: where raters reach it; None is wherever their browsers say.

    Raises:
        FleetError: the survey or its database is damaged, or the port is taken.
    """
    survey = read_survey(folder)
    with open_database(folder / ANSWERS) as database:
        server = uvicorn.Server(
            uvicorn.Config(
                make_app(survey, folder, database, url),
                host=host,
                port=port,
                http=DoorProtocol,
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=10,
            )
        )
        # uvicorn ends in order, then raises the signal again: let that end us in order too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        try:
            server.run()
        except SystemExit as end:
            if server.started:
                return
            raise FleetError(f"{host}:{port}: cannot listen there; is it taken? give another --port") from end
