# tunekit in a container that is not root; docs/deployment.md says how it is used.
#
#   docker build --tag tunekit .
#   docker build --tag tunekit:gpu --build-arg EXTRAS=gpu .
#   docker build --tag tunekit-mlflow --target server .

ARG PYTHON=3.12

FROM python:${PYTHON}-slim-bookworm AS wheel
WORKDIR /source
RUN python -m pip install --no-cache-dir --disable-pip-version-check "build>=1.2"
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY search_spaces search_spaces
COPY tunekit tunekit
RUN python -m build --wheel --outdir /wheel

# MLflow's server with the driver for PostgreSQL, for compose.yaml; it needs neither tunekit nor TensorFlow.
FROM python:${PYTHON}-slim-bookworm AS server
ARG MLFLOW="mlflow>=3.11,<4"
RUN python -m venv /opt/mlflow \
 && /opt/mlflow/bin/pip install --no-cache-dir --disable-pip-version-check "${MLFLOW}" "psycopg2-binary>=2.9"
RUN useradd --create-home --uid 1000 mlflow && install --directory --owner mlflow --group mlflow /artifacts
ENV PATH=/opt/mlflow/bin:$PATH \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    PYTHONUNBUFFERED=1
USER mlflow
WORKDIR /home/mlflow
VOLUME /artifacts
EXPOSE 5000
ENTRYPOINT ["mlflow"]
CMD ["server", "--host", "0.0.0.0", "--port", "5000", "--artifacts-destination", "/artifacts"]

FROM python:${PYTHON}-slim-bookworm AS tunekit
# Extras of pyproject.toml, with commas between them: gpu, jax.
ARG EXTRAS=""
COPY --from=wheel /wheel /wheel
RUN python -m venv /opt/tunekit \
 && /opt/tunekit/bin/pip install --no-cache-dir --disable-pip-version-check "$(echo /wheel/*.whl)${EXTRAS:+[${EXTRAS}]}"
RUN useradd --create-home --uid 1000 tunekit && install --directory --owner tunekit --group tunekit /tunekit /tunekit/mlruns
# HOME and USER also hold for a user that --user names and the image does not know.
ENV PATH=/opt/tunekit/bin:$PATH \
    HOME=/home/tunekit \
    USER=tunekit \
    TUNEKIT_HOME=/tunekit/mlruns \
    TFDS_DATA_DIR=/tunekit/mlruns/tensorflow_datasets \
    PYTHONUNBUFFERED=1
USER tunekit
WORKDIR /tunekit
VOLUME /tunekit/mlruns
ENTRYPOINT ["tunekit"]
CMD ["--help"]
