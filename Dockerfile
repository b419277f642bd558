# syntax=docker/dockerfile:1
# An image of etcd-backupd, for amd64 and arm64:
#
#     docker buildx build --platform linux/amd64,linux/arm64 --tag etcd-backupd .
#
# NODE_IMAGE gives npm for the build and the node program of the image. BASE_IMAGE is what the
# image begins with; it needs the C and C++ libraries that node is linked to, and no shell.
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${NODE_IMAGE} AS node

# What runs here runs on the machine that builds: nothing is emulated for the other platform.
# What runs here runs on the machine that builds: nothing is emulated for the other platform.
FROM --platform=${BUILDPLATFORM} ${NODE_IMAGE} AS build
ARG TARGETARCH
# Not "npm ci": it refuses a lock that lacks builds for platforms that nobody here has. Nor are
# scripts of packages run: the one that there is fetches a second Node.js.
ENV npm_config_ignore_scripts=true npm_config_audit=false npm_config_fund=false
WORKDIR /image/opt/etcd-backupd
COPY package.json package-lock.json ./
RUN case "$TARGETARCH" in amd64) cpu=x64 ;; *) cpu=$TARGETARCH ;; esac \
 && npm install --no-save --omit=dev --os=linux --libc=glibc ${cpu:+--cpu="$cpu"} \
 && rm package-lock.json
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm install --no-save --include=dev
COPY tsconfig.json ./
COPY src src
RUN node_modules/.bin/tsc -p src/tsconfig.json --sourceMap false \
      --outDir /image/opt/etcd-backupd/dist \
 && cd /image/opt/etcd-backupd \
 && mkdir -p bin /image/var/lib/etcd-backupd \
 && printf '#!/usr/local/bin/node\nimport "../dist/main.js";\n' > bin/etcd-backupd \
 && chmod 0755 bin/etcd-backupd

FROM ${BASE_IMAGE}
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=build /image/opt /opt
# Owned by the user of the image, so that a volume of a first run is as well.
COPY --from=build --chown=65532:65532 /image/var/lib/etcd-backupd /var/lib/etcd-backupd
COPY LICENSE /opt/etcd-backupd/
ENV PATH=/opt/etcd-backupd/bin:/usr/local/bin:/usr/bin:/bin NODE_ENV=production
USER 65532:65532
# The spool. It must be writable where the root file system is not.
VOLUME /var/lib/etcd-backupd
EXPOSE 9379
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["etcd-backupd", "health"]
ENTRYPOINT ["etcd-backupd"]
CMD ["run"]
