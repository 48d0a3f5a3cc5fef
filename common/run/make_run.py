"""The run that these settings would make: producer and workers compare it with the one that there is."""

from common.run.manifest import Run
from common.run.model_refs import model_ref, model_refs
from common.run.thresholds import Thresholds
from common.settings import Settings
from common.version import __version__


def make_run(settings: Settings, batch_rows: int) -> Run:
    """A manifest of the settings of this process.

    Raises:
        FleetError: the folder of a model does not exist or holds no files.
    """
    return Run(
        version=__version__,
        batch_rows=batch_rows,
        models=model_refs(settings),
        sampling=settings.sampling,
        repairer=model_ref(settings.repairer) if settings.repairer else None,
        thresholds=Thresholds.of(settings.filter),
        signs=settings.honoured.names,
    )
