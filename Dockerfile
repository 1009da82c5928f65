# The hub, built with its console; and, on top, the sandbox partner, which never ships with it.

FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --constraint constraints.txt --wheel-dir /wheels .

FROM python:3.13-slim AS hub
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels icorn-hub && rm -r /wheels \
    && useradd --system --home-dir /var/lib/icorn-hub --create-home hub \
    && mkdir /var/lib/sandbox && chown hub /var/lib/sandbox
USER hub
WORKDIR /var/lib/icorn-hub
EXPOSE 8000
CMD ["icorn-hub", "serve"]

FROM hub AS sandbox
WORKDIR /srv
COPY tests/sandbox tests/sandbox
CMD ["python", "-m", "tests.sandbox", "--help"]
