#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small registry on loopback that serves an OCI layout and lies on demand.

usage: lying-registry.py [--port N] [--port-file FILE] [--log FILE] [--tls CERT KEY]
                         [--fault FAULT]... LAYOUT

LAYOUT is an OCI image layout directory (skopeo copy ... oci:LAYOUT). Its image answers to every
repository name and every tag; a layout whose index has several manifests is served as that index.
The port (0, the default: a free one) is printed as "listening on 127.0.0.1:PORT" and, with
--port-file, written to FILE once the server listens. --log writes one line a request:
METHOD PATH STATUS. With --tls it speaks HTTPS. It runs until it is ended by a signal.

Faults (several may be given; N: the first N requests only, all of them without ":N"):
  401[:N]             every request is refused: unauthorized
  auth:USER:PASSWORD  requests without these credentials (HTTP Basic) are refused
  403[:N]             manifests are refused: denied
  404                 manifests are unknown
  500[:N] 503[:N]     manifests and layers: the status, then good
  429[:N]             manifests and layers: too many requests, to be tried again after a second
  blob-404            layers are missing, the manifest is there
  blob-500[:N]        layers: 500, then good
  wrong-blob          layers have the right length and wrong bytes
  wrong-config        the configuration has wrong bytes
  wrong-manifest      the manifest has other bytes than its digest says (for pulls by digest)
  short-blob          layers end early, with a length that fits what is sent
  truncated-blob[:N]  layers: the connection ends in the middle, cleanly, then good
  reset[:N]           layers: the connection is reset in the middle, then good
  endless-blob        layers never end
  garbage-manifest    the manifest is not JSON
  huge-manifest       the manifest is 5 MiB of JSON
  redirect-loop       layers and manifests redirect to themselves
  slow:BYTES          layers are sent at BYTES a second
  hang[:N]            layers: the headers come, the data never does
  hang-manifest[:N]   manifests: no answer at all
"""
import argparse
import base64
import http.server
import json
import os
import socket
import ssl
import struct
import sys
import threading

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Layout:
    """What an OCI layout holds: the blobs by digest, and what a tag resolves to."""

    def __init__(self, path):
        self.path = path
        with open(os.path.join(path, "index.json"), "rb") as file:
            self.index = file.read()
        entries = json.loads(self.index)["manifests"]
        self.layers, self.configs, self.types = set(), set(), {}
        for entry in entries:
            self.add(entry)
        self.single = entries[0]["digest"] if len(entries) == 1 else None

    def add(self, entry):
        digest, kind = entry["digest"], entry.get("mediaType", MANIFEST)
        self.types[digest] = kind
        manifest = json.loads(self.blob(digest))
        for child in manifest.get("manifests", []):
            self.add(child)
        if "config" in manifest:
            self.configs.add(manifest["config"]["digest"])
        self.layers.update(layer["digest"] for layer in manifest.get("layers", []))

    def blob(self, digest):
        algorithm, _, value = digest.partition(":")
        if algorithm != "sha256" or len(value) != 64 or not value.isalnum():
            return None
        try:
            with open(os.path.join(self.path, "blobs", "sha256", value), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def manifest(self, reference):
        if reference.startswith("sha256:"):
            return self.types.get(reference, MANIFEST), self.blob(reference)
        if self.single is None:
            return INDEX, self.index
        return self.types[self.single], self.blob(self.single)


class Faults:
    """The selected faults, and how often each may still strike."""

    def __init__(self, words):
        self.lock = threading.Lock()
        self.left, self.text = {}, {}
        for word in words:
            name, _, argument = word.partition(":")
            self.text[name] = argument
            counted = argument.isdigit() and name != "slow"
            self.left[name] = int(argument) if counted else None

    def strikes(self, name):
        with self.lock:
            if name not in self.left or self.left[name] == 0:
                return False
            if self.left[name] is not None:
                self.left[name] -= 1
            return True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "lying-registry"

    def log_message(self, *_):
        pass

    def log_request(self, code="-", size="-"):
        if self.server.log:
            self.server.log.write("%s %s %d\n" % (self.command, self.path, int(code)))
            self.server.log.flush()

    def answer(self, status, body=b"", kind="application/json", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code, headers=()):
        error = {"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}
        self.answer(status, json.dumps(error).encode(), headers=headers)

    def authorized(self):
        wanted = self.server.faults.text.get("auth")
        if wanted is None:
            return not self.server.faults.strikes("401")
        given = self.headers.get("Authorization", "").partition(" ")[2]
        return given == base64.b64encode(wanted.encode()).decode()

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        if not self.authorized():
            challenge = [("WWW-Authenticate", 'Basic realm="lies"')]
            self.refuse(401, "UNAUTHORIZED", challenge)
        elif self.path in ("/v2/", "/v2"):
            self.answer(200, b"{}")
        elif "/manifests/" in self.path:
            self.get_manifest(self.path.rpartition("/")[2])
        elif "/blobs/" in self.path:
            self.get_blob(self.path.rpartition("/")[2])
        else:
            self.refuse(404, "NAME_UNKNOWN")

    def struck_by_status(self):
        faults = self.server.faults
        if faults.strikes("redirect-loop"):
            self.answer(307, headers=[("Location", self.path)])
        elif faults.strikes("500"):
            self.refuse(500, "UNKNOWN")
        elif faults.strikes("503"):
            self.refuse(503, "UNAVAILABLE")
        elif faults.strikes("429"):
            self.refuse(429, "TOOMANYREQUESTS", [("Retry-After", "1")])
        else:
            return False
        return True

    def get_manifest(self, reference):
        faults = self.server.faults
        kind, body = self.server.layout.manifest(reference)
        if self.struck_by_status():
            return
        if faults.strikes("hang-manifest"):
            self.server.ended.wait()
            self.close_connection = True
        elif faults.strikes("403"):
            self.refuse(403, "DENIED")
        elif body is None or faults.strikes("404"):
            self.refuse(404, "MANIFEST_UNKNOWN")
        elif faults.strikes("garbage-manifest"):
            self.answer(200, b"\x00this is { not JSON", kind)
        elif faults.strikes("huge-manifest"):
            self.answer(200, b'{"schemaVersion":2,"x":"' + b"x" * (5 << 20) + b'"}', kind)
        elif faults.strikes("wrong-manifest"):
            self.answer(200, body + b"\n", kind)
        else:
            self.answer(200, body, kind)

    def get_blob(self, digest):
        faults = self.server.faults
        body = self.server.layout.blob(digest)
        if body is None:
            self.refuse(404, "BLOB_UNKNOWN")
        elif digest in self.server.layout.configs:
            wrong = faults.strikes("wrong-config")
            self.answer(200, flipped(body) if wrong else body, "application/octet-stream")
        elif self.struck_by_status():
            pass
        elif faults.strikes("blob-404"):
            self.refuse(404, "BLOB_UNKNOWN")
        elif faults.strikes("blob-500"):
            self.refuse(500, "UNKNOWN")
        else:
            self.send_layer(body)

    def send_layer(self, body):
        faults = self.server.faults
        start = 0
        if faults.strikes("wrong-blob"):
            body = flipped(body)
        if faults.strikes("short-blob"):
            body = body[: len(body) // 2]
        span = self.headers.get("Range", "")
        if span.startswith("bytes=") and span.endswith("-"):
            start = min(int(span[6:-1]), len(body))
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", "application/octet-stream")
        if start:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(body) - 1, len(body)))
        if faults.strikes("endless-blob"):
            self.send_endless()
            return
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if self.command != "HEAD":
            self.send_data(body[start:])

    def send_data(self, body):
        faults = self.server.faults
        half = body[: len(body) // 2]
        if faults.strikes("hang"):
            self.server.ended.wait()
            self.close_connection = True
        elif faults.strikes("reset"):
            self.wfile.write(half)
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
        elif faults.strikes("truncated-blob"):
            self.wfile.write(half)
            self.close_connection = True
        elif faults.strikes("slow"):
            self.send_slowly(body, int(faults.text["slow"]))
        else:
            self.wfile.write(body)

    def send_slowly(self, body, rate):
        step = max(rate // 10, 1)
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            if self.server.ended.wait(0.1):
                return

    def send_endless(self):
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        chunk = b"10000\r\n" + b"\0" * 0x10000 + b"\r\n"
        while self.command != "HEAD" and not self.server.ended.is_set():
            self.wfile.write(chunk)


def flipped(body):
    return bytes(byte ^ 0xFF for byte in body[:512]) + body[512:]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""

    def close_request(self, request):
        """A handler may have closed it already, to reset the connection."""
        if request.fileno() >= 0:
            super().close_request(request)

    def shutdown_request(self, request):
        if request.fileno() >= 0:
            super().shutdown_request(request)


def main():
    parser = argparse.ArgumentParser(description="a registry that lies", epilog=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file")
    parser.add_argument("--log")
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--fault", action="append", default=[])
    parser.add_argument("layout")
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    server.layout, server.faults = Layout(options.layout), Faults(options.fault)
    server.log = open(options.log, "a", encoding="ascii") if options.log else None
    server.ended = threading.Event()
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    port = server.server_address[1]
    if options.port_file:
        with open(options.port_file + ".new", "w", encoding="ascii") as file:
            file.write("%d\n" % port)
        os.rename(options.port_file + ".new", options.port_file)
    print("listening on 127.0.0.1:%d" % port, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.ended.set()


if __name__ == "__main__":
    sys.exit(main())
