"""Images in, captions with scores out: knows no network, no queue and no storage.

Nothing is imported here: the choice of a device, for one, needs none of the models' libraries.
"""
