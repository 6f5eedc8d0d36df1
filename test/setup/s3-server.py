"""moto's server, less two defects: for a bucket without versions it answers a completed multipart upload with
`x-amz-version-id: null`, which S3 does not. rclone 1.60 then asks for that version, and is refused.
And where there are policies it reckons other signatures than its clients for names with letters other than ASCII's: they are not checked.

With MAX_PARTS in the environment an upload can have that many parts instead of 10,000."""

import os
from urllib.parse import parse_qs

from moto.iam.access_control import IAMRequestBase
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import main

answer = DomainDispatcherApplication.__call__


max_parts = int(os.environ.get("MAX_PARTS", 10000))
refusal = f"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>InvalidArgument</Code><Message>Part number must be an integer between 1 and {max_parts}, inclusive</Message>\
<ArgumentName>partNumber</ArgumentName></Error>""".encode()


def refuse(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("400 Bad Request", [("Content-Type", "application/xml"), ("Content-Length", str(len(refusal)))])
    return [refusal]


def answer_as_s3(self, environ, start_response):
    part = parse_qs(environ.get("QUERY_STRING", "")).get("partNumber", ["1"])[0]
    if int(part) > max_parts:
        return refuse(environ, start_response)

    def start(status, headers, *rest):
        kept = [(name, value) for name, value in headers if (name.lower(), value) != ("x-amz-version-id", "null")]
        return start_response(status, kept, *rest)

    return answer(self, environ, start)


DomainDispatcherApplication.__call__ = answer_as_s3
IAMRequestBase.check_signature = lambda self: None
main()
