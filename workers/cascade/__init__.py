"""Images in, captions with scores out: knows no network, no queue and no storage."""

from workers.captions import Captions, Image, ModelInputs
from workers.cascade.assemble import load_cascade
from workers.cascade.cascade import Cascade
from workers.cascade.model_folder import ModelFolderError

__all__ = ["Captions", "Cascade", "Image", "ModelFolderError", "ModelInputs", "load_cascade"]
