"""Images in, captions with scores out: knows no network, no queue and no storage."""

from workers.captions import Captions, Image, ModelFolderError, ModelInputs
from workers.cascade.assemble import load_cascade
from workers.cascade.cascade import Cascade

__all__ = ["Captions", "Cascade", "Image", "ModelFolderError", "ModelInputs", "load_cascade"]
