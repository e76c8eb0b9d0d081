# `orgtrail check`, `verify` and `report` in a container: docs/container.md.
# The digest decides, the tag is for people; Renovate moves both (renovate.json).
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_QUIET=1 PIP_NO_INPUT=1
WORKDIR /src
COPY container container
COPY Pipfile.lock ./
# What is installed is in the lock file, with its hash: pip itself, what builds the wheel, what runs.
RUN python -m venv /tools \
    && /tools/bin/pip install --require-hashes --requirement container/requirements.txt \
    && python container/constraints.py develop < Pipfile.lock > /tools/develop.txt \
    && python container/constraints.py default < Pipfile.lock > /tools/default.txt \
    && /tools/bin/pip install --constraint /tools/develop.txt hatchling \
    && python -m venv --without-pip /opt/orgtrail
COPY pyproject.toml README.md LICENSE ./
COPY modules modules
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && printf '%s[verify,report] --hash=sha256:%s\n' \
        /dist/*.whl "$(sha256sum /dist/*.whl | cut -d ' ' -f 1)" > /dist/requirements.txt \
    && /tools/bin/pip --python /opt/orgtrail/bin/python install \
        --requirement /dist/requirements.txt --constraint /tools/default.txt \
    # The grammar of HCL is compiled here: whoever runs the container may not write beside it.
    && /opt/orgtrail/bin/python -c 'import hcl2; hcl2.loads("")'

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="orgtrail" \
    org.opencontainers.image.description="Check, verify and report the audit trail of an AWS Organization" \
    org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/orgtrail/bin:$PATH HOME=/home/orgtrail PYTHONDONTWRITEBYTECODE=1
# `verify --state` keeps its key below ~/.local/state, and the AWS SDK reads ~/.aws.
RUN useradd --uid 10001 --user-group --create-home --home-dir "$HOME" --shell /usr/sbin/nologin orgtrail \
    && chmod 755 "$HOME" \
    && install --directory --mode 700 --owner orgtrail --group orgtrail "$HOME/.local/state"
COPY --from=build /opt/orgtrail /opt/orgtrail
WORKDIR /work
# A number, so that Kubernetes can tell that it is not root (runAsNonRoot).
USER 10001:10001
ENTRYPOINT ["orgtrail"]
CMD ["--help"]
