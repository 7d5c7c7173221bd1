"""A GStreamer RTSP server for the tests.

Reads a JSON list of mounts from its first argument, listens on a free loopback
port, prints "PORT n" and ends when its standard input is closed.

A mount: {"path", "launch", "transport": "tcp"|"udp", "shared", "user",
"password", "timeout"}; with a user it asks for digest authentication.
"""
import json
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

Gst.init(None)
mounts = json.loads(sys.argv[1])
loop = GLib.MainLoop()
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service("0")

auth = GstRtspServer.RTSPAuth()
auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
anyone = GstRtspServer.RTSPToken()
anyone.set_string("media.factory.role", "anyone")
if not any(m.get("user") for m in mounts):  # with a default token nobody is asked to sign in
    auth.set_default_token(anyone)


def serve(mount):
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch("( " + mount["launch"] + " )")
    factory.set_shared(mount.get("shared", False))
    tcp = mount.get("transport", "tcp") == "tcp"
    factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP if tcp else GstRtsp.RTSPLowerTrans.UDP)
    role = mount.get("user") or "anyone"
    factory.add_role_from_structure(Gst.Structure.from_string(
        role + ", media.factory.access=(boolean)true, media.factory.construct=(boolean)true")[0])
    if mount.get("user"):
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", role)
        auth.add_digest(mount["user"], mount["password"], token)
    server.get_mount_points().add_factory("/" + mount["path"], factory)


for m in mounts:
    serve(m)
server.set_auth(auth)

timeout = max([m.get("timeout", 0) for m in mounts])
if timeout:
    def new_session(_client, session):
        session.set_timeout(timeout)
        session.set_property("extra-timeout", 1)

    server.connect("client-connected", lambda _s, c: c.connect("new-session", new_session) and None)
    GLib.timeout_add(200, lambda: server.get_session_pool().cleanup() >= 0)

server.attach(None)
print("PORT", server.get_bound_port(), flush=True)


def wait_for_end():
    sys.stdin.read()
    GLib.idle_add(loop.quit)


threading.Thread(target=wait_for_end, daemon=True).start()
loop.run()
