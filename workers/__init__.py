"""The GPU side: one thin Celery task over one flow for one batch.

`celery -A workers worker` finds the app in `workers/celery.py`.
"""
