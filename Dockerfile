# One image for every service: Airflow, the DAGs and the engine, from the hash-pinned lock.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    AIRFLOW_HOME=/opt/airflow AIRFLOW__CORE__DAGS_FOLDER=/opt/gridroll/dags AIRFLOW__CORE__LOAD_EXAMPLES=False \
    GRIDROLL_STATE=/var/lib/gridroll/state GRIDROLL_EXPORTS=/var/lib/gridroll/exports GRIDROLL_CONFIG=/opt/gridroll/config

RUN useradd --uid 50000 --create-home --home-dir /home/gridroll gridroll \
    && mkdir -p /opt/airflow /opt/gridroll /var/lib/gridroll/state /var/lib/gridroll/exports /var/lib/gridroll/audit-heads \
    && chown -R gridroll:gridroll /opt/airflow /var/lib/gridroll
WORKDIR /opt/gridroll

COPY requirements.lock ./
RUN pip install --require-hashes --no-deps -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY linkage ./linkage
COPY dags ./dags
COPY config ./config
COPY expectations ./expectations
# The package runs from here, so that config/ and expectations/ stand beside it as in a checkout.
ENV PYTHONPATH=/opt/gridroll:/opt/gridroll/dags
RUN printf '#!/bin/sh\nexec python -m linkage.cli "$@"\n' > /usr/local/bin/linkage && chmod 755 /usr/local/bin/linkage

USER gridroll
VOLUME ["/var/lib/gridroll/state"]
CMD ["linkage", "--help"]
