"""moto's server, less one defect: for a bucket without versions it answers a completed multipart upload with
`x-amz-version-id: null`, which S3 does not. rclone 1.60 then asks for that version, and is refused."""

from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import main

answer = DomainDispatcherApplication.__call__


def answer_as_s3(self, environ, start_response):
    def start(status, headers, *rest):
        kept = [(name, value) for name, value in headers if (name.lower(), value) != ("x-amz-version-id", "null")]
        return start_response(status, kept, *rest)

    return answer(self, environ, start)


DomainDispatcherApplication.__call__ = answer_as_s3
main()
