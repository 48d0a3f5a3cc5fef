"""`python -m workers worker`: as `celery -A workers worker`, which imports from the working folder first."""

import sys

if __name__ == "__main__":
    from workers.celery import app

    sys.exit(app.start(sys.argv[1:]))
