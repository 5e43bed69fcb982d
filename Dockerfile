# One image for every role: `docker run cinepulse produce reddit`, `process link`, `sink`, and so on.
# It holds what the services need and not the embedded stack, which is for machines without Docker.

FROM python:3.13.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ONLY_BINARY=:all: \
    PIP_REQUIRE_HASHES=1

WORKDIR /src

# The locked dependencies change seldom, so that their layers outlive changes of the code.
COPY docker/build.lock docker/runtime.lock ./docker/
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-deps -r docker/build.lock \
    && python -m venv /opt/cinepulse \
    && /opt/cinepulse/bin/pip install --no-deps -r docker/runtime.lock

COPY pyproject.toml README.md LICENSE ./
COPY cinepulse ./cinepulse
COPY producers ./producers
COPY schemas ./schemas
COPY stream_processors ./stream_processors
COPY clickhouse ./clickhouse
# The project's own wheel is built here, so that it has no recorded hash.
RUN /opt/build/bin/hatchling build -t wheel -d /tmp/dist \
    && PIP_REQUIRE_HASHES=0 /opt/cinepulse/bin/pip install --no-deps /tmp/dist/cinepulse-*.whl \
    && /opt/cinepulse/bin/pip uninstall --yes pip

FROM python:3.13.14-slim-bookworm

RUN groupadd --gid 10001 cinepulse \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/cinepulse --shell /usr/sbin/nologin cinepulse \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/cinepulse

COPY --from=build /opt/cinepulse /opt/cinepulse

ENV PATH=/opt/cinepulse/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CINEPULSE_DATA_DIR=/var/lib/cinepulse \
    CINEPULSE_METRICS_PORT=9100

USER 10001:10001
WORKDIR /var/lib/cinepulse

# A part says of itself whether it works: 200 when it is ready and its loop turns.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:%s/healthz' % os.environ['CINEPULSE_METRICS_PORT'], timeout=4)"]

ENTRYPOINT ["cinepulse"]
CMD ["--help"]
