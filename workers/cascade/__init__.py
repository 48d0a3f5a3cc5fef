"""Images in, captions with scores out: knows no network, no queue and no storage."""

from workers.cascade.cascade import Captions, Cascade, ModelInputs
from workers.cascade.errors import ModelFolderError
from workers.cascade.load import load_cascade
from workers.cascade.pixels import Image

__all__ = ["Captions", "Cascade", "Image", "ModelFolderError", "ModelInputs", "load_cascade"]
