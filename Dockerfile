# Build: compiles, and leaves only what runs.
FROM node:22-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json build.js ./
COPY src ./src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:22-slim
# The first process of a container gets no signals by default: tini passes them on, so that a second Ctrl-C ends what hangs.
RUN apt-get update \
  && apt-get install -y --no-install-recommends tini \
  && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
COPY package.json LICENSE ./
COPY bin ./bin
COPY fixtures/demo ./fixtures/demo
COPY fixtures/mappings ./fixtures/mappings
RUN mkdir /state /data && chown node:node /state /data && chmod 700 /state
# By number, so that Kubernetes can see that it is not root.
USER 1000:1000
ENV ZEP_IMPORT_STATE_DIR=/state
VOLUME /state
WORKDIR /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "node", "/app/bin/zep-import.js"]
CMD ["--help"]
