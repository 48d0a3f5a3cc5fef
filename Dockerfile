# Two images. `lean` runs producer, dataset, Flower and the queue's metrics, without torch:
#     docker build --target lean --tag caption-fleet:0.2.0 .
# `worker` runs on a GPU node with NVIDIA's container runtime; torch brings its own CUDA libraries:
#     docker build --target worker --tag caption-fleet-worker:0.2.0 .
# Dockerfile.models adds the models to the second. Everything of Python is installed from locks with hashes, and nothing
# when a container starts. Dependencies are a layer of their own: a change of code costs a node 10 MB.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${PYTHON_IMAGE} AS wheel
WORKDIR /src
COPY requirements-build.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY common common
COPY producer producer
COPY workers workers
COPY dataset dataset
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel .

FROM ${PYTHON_IMAGE} AS environment
RUN python -m venv /opt/fleet

FROM environment AS application
COPY --from=wheel /wheel /wheel
RUN /opt/fleet/bin/pip install --no-cache-dir --no-deps --no-index --prefix /application /wheel/*.whl

FROM environment AS lean-environment
COPY requirements.lock /tmp/
RUN /opt/fleet/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/requirements.lock

FROM environment AS worker-environment
COPY requirements-worker.lock /tmp/
RUN /opt/fleet/bin/pip install --no-cache-dir --require-hashes --requirement /tmp/requirements-worker.lock

FROM ${PYTHON_IMAGE} AS runtime
# An init: process 1 has no default for SIGTERM, so that one which comes while Python still imports would be lost.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
# A volume of Docker's takes the owner of the folder that it covers.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin fleet \
    && install --directory --owner fleet --group fleet /models /output
ENV PATH=/opt/fleet/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HUB_DISABLE_TELEMETRY=1
WORKDIR /tmp
USER 10001:10001
ENTRYPOINT ["tini", "--"]

FROM runtime AS lean
COPY --from=lean-environment /opt/fleet /opt/fleet
COPY --from=application /application /opt/fleet
CMD ["producer", "--help"]

FROM runtime AS worker
COPY --from=worker-environment /opt/fleet /opt/fleet
COPY --from=application /application /opt/fleet
# The models lie in a layer on top or in a volume that `python -m workers.models.prefetch` fills; a worker never downloads.
# A container whose GPU is missing says so; one that is to run without sets FLEET_DEVICE=cpu.
ENV FLEET_DEVICE=cuda \
    HF_HOME=/models \
    HF_HUB_OFFLINE=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
CMD ["celery", "-A", "workers", "worker"]
