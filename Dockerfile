# syntax=docker/dockerfile:1
#
#   docker build -t auditor .                        # what audits
#   docker build -t auditor:git --target git .       # with git, for --changed-only
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL -v "$PWD:/work:ro" auditor scan infra
#
# The base is pinned by its tag, because the digest of a tag moves with each security update of the base; where builds
# have to be the same for ever, give one: --build-arg PYTHON=python@sha256:...
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/auditor \
    && /opt/auditor/bin/python -m pip install --no-cache-dir --disable-pip-version-check . \
    && /opt/auditor/bin/python -m pip uninstall --yes pip

FROM ${PYTHON} AS runtime
# Nothing is written: no bytecode, and no cache of parsed rules, since there is no home that could hold one.
ENV PATH=/opt/auditor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    AUDITOR_NO_CACHE=1
COPY --from=build /opt/auditor /opt/auditor
WORKDIR /work
USER 65532:65532
HEALTHCHECK NONE
ENTRYPOINT ["auditor"]
CMD ["--help"]

FROM runtime AS git
USER 0:0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
USER 65532:65532

FROM runtime
