# Stands in for rclone/rclone. Its context is the folder that has the program.
FROM scratch
COPY rclone /usr/local/bin/rclone
ENTRYPOINT ["rclone"]
