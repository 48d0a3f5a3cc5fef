"""Images in, captions with scores out: knows no network, no queue and no storage."""

from workers.captions import Captions, Image, ModelInputs
from workers.cascade.cascade import Cascade
from workers.cascade.folder import ModelFolderError
from workers.cascade.load import load_cascade

__all__ = ["Captions", "Cascade", "Image", "ModelFolderError", "ModelInputs", "load_cascade"]
