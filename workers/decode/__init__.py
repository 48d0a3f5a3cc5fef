"""Untrusted bytes to RGB pixels.

Nothing is imported here: a disposable process that decodes one image needs no settings.
"""
