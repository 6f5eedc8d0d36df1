# Stands in for rclone/rclone on several platforms. Its context has a rclone-ARCHITECTURE/ for each, an unpacked package.
FROM scratch
ARG TARGETARCH
COPY rclone-${TARGETARCH}/usr/bin/rclone /usr/local/bin/rclone
ENTRYPOINT ["rclone"]
