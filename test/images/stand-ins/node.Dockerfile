# Stands in for node:26-trixie-slim. Its context has npm/ and a node-ARCHITECTURE/, as npm's packages have them.
ARG BASE
FROM ${BASE}
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node \
 && apt-get update -qq && apt-get install -y -qq --no-install-recommends libstdc++6 libatomic1 >/dev/null \
 && rm -rf /var/lib/apt/lists/*
ARG TARGETARCH
COPY node-${TARGETARCH}/bin/node /usr/local/bin/
COPY node-${TARGETARCH}/LICENSE /usr/local/
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && node --version && npm --version
CMD ["node"]
