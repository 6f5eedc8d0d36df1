# Stands in for debian:trixie-slim on several platforms. Its context has a debian-ARCHITECTURE.tar for each.
FROM scratch
ARG TARGETARCH
ADD debian-${TARGETARCH}.tar /
CMD ["bash"]
