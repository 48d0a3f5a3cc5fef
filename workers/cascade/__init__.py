"""Images in, captions with scores out: knows no network, no queue and no storage.

Loaded on use: the choice of a device, for one, needs none of the models' libraries.
"""

from typing import TYPE_CHECKING

from common.lazy import load_on_use

if TYPE_CHECKING:
    from workers.captions import Captions, Image, ModelFolderError, ModelInputs
    from workers.cascade.assemble import load_cascade
    from workers.cascade.cascade import Cascade

__all__ = ["Captions", "Cascade", "Image", "ModelFolderError", "ModelInputs", "load_cascade"]

__getattr__ = load_on_use(
    __name__,
    {
        **dict.fromkeys(("Captions", "Image", "ModelFolderError", "ModelInputs"), "workers.captions"),
        "Cascade": "workers.cascade.cascade",
        "load_cascade": "workers.cascade.assemble",
    },
)
