"""The human evaluation of LAION-COCO, for anyone to repeat: build a blind survey, serve it, report it."""
