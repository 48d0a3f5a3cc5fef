"""`celery worker -D`: failures to start are reported before the worker goes into the background."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import structlog
from celery.utils.nodenames import default_nodename, node_format

from common.console.logs import configure_logs
from common.errors import FleetError
from common.settings import Settings
from workers.process.startup import require_infrastructure

log = structlog.get_logger(__name__)


def check_before_detaching(arguments: Sequence[str], settings: Settings) -> None:
    """Try the start, if a worker is about to be detached.

    Raises:
        FleetError: it could not start; the log file says so, too.
    """
    options = _read_options(arguments)
    if options.detach and "worker" in arguments:
        try:
            require_infrastructure(settings)
        except FleetError as error:
            if options.logfile:
                configure_logs(file=node_format(options.logfile, default_nodename(options.hostname)))
                log.critical("the worker cannot start", reason=str(error))
            raise


def _read_options(arguments: Sequence[str]) -> Namespace:
    """Those that Celery has not read yet."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-D", "--detach", action="store_true")
    parser.add_argument("-f", "--logfile")
    parser.add_argument("-n", "--hostname")
    return parser.parse_known_args(arguments)[0]
