# SPDX-License-Identifier: MIT
"""What the proxies with faults share, which are called with ENDPOINT FAULT LOG."""
import http.client
import http.server
import socket
import struct
import sys
import threading
import urllib.parse

upstream = urllib.parse.urlsplit(sys.argv[1])
log = open(sys.argv[3], "a", encoding="utf-8")
lock = threading.Lock()
counts = {}


def nth(what):
    """How often this was called for WHAT, now included."""
    with lock:
        counts[what] = counts.get(what, 0) + 1
        return counts[what]


class Proxy(http.server.BaseHTTPRequestHandler):
    """A request of a client, which answer_it() answers."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def forward(self, body):
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        with lock:
            log.write(f"{self.command} {self.path}\n")
            log.flush()
        return answer, data

    def give(self, answer, data, headers=()):
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        for name, value in headers:
            self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        if answer.status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_any(self):
        self.answer_it()

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = do_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def serve(handler):
    """Prints the endpoint and never ends."""
    server = Server(("127.0.0.1", 0), handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
