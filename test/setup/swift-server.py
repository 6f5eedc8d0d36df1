"""OpenStack Swift in one process, which keeps its objects in memory: swift-server.py FOLDER PORT. It has the container `backups`, and
an account that Swift's own API knows as test:rcdump and S3's by the key test:rcdump."""

import sys
from pathlib import Path

import eventlet

eventlet.patcher.monkey_patch(os=False)

from eventlet import wsgi
from swift.common.ring import RingBuilder
from swift.common.swob import Request
from swift.common.utils import set_swift_dir
from swift.common.wsgi import SwiftHttpProtocol, loadapp

folder, port = Path(sys.argv[1]), int(sys.argv[2])
secret = "rcdump-secret"


class Cache:
    """What the proxy asks of memcached, without one: it keeps the tokens there."""

    def __init__(self, app):
        self.app = app
        self.kept = {}

    def __call__(self, env, start_response):
        env["swift.cache"] = self
        return self.app(env, start_response)

    def get(self, key, **_):
        return self.kept.get(key)

    def set(self, key, value, **_):
        self.kept[key] = value

    def incr(self, key, delta=1, **_):
        self.kept[key] = self.kept.get(key, 0) + delta
        return self.kept[key]

    def delete(self, key, **_):
        self.kept.pop(key, None)


def serve(socket, app):
    eventlet.spawn(wsgi.server, socket, app, log_output=False, protocol=SwiftHttpProtocol, keepalive=False)


def configuration(name, text):
    file = folder / f"{name}.conf"
    file.write_text(text)
    return str(file)


(folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = rcdump\n")
set_swift_dir(str(folder))
for server in ["account", "container", "object"]:
    socket = eventlet.listen(("127.0.0.1", 0))
    (folder / server / "disk").mkdir(parents=True)
    egg = "swift#mem_object" if server == "object" else f"swift#{server}"
    file = configuration(
        server,
        f"""
[DEFAULT]
swift_dir = {folder}
devices = {folder}/{server}
mount_check = false
[pipeline:main]
pipeline = {server}-server
[app:{server}-server]
use = egg:{egg}
""",
    )
    builder = RingBuilder(1, 1, 0)
    builder.add_dev(
        {"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": socket.getsockname()[1], "device": "disk", "weight": 1}
    )
    builder.rebalance()
    builder.get_ring().save(str(folder / f"{server}.ring.gz"))
    serve(socket, loadapp(file))

proxy = Cache(
    loadapp(
        configuration(
            "proxy",
            f"""
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth bulk copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_rcdump = {secret} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
[filter:symlink]
use = egg:swift#symlink
""",
        )
    )
)


def create_container():
    login = Request.blank("/auth/v1.0", headers={"X-Auth-User": "test:rcdump", "X-Auth-Key": secret}).get_response(proxy)
    headers = {"X-Auth-Token": login.headers["X-Auth-Token"]}
    created = Request.blank("/v1/AUTH_test/backups", method="PUT", headers=headers).get_response(proxy)
    if not created.is_success:
        raise SystemExit(f"the container was not created: {created.status} {created.body}")


create_container()
wsgi.server(eventlet.listen(("127.0.0.1", port)), proxy, log_output=False, protocol=SwiftHttpProtocol)
