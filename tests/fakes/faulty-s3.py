#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: faulty-s3.py ENDPOINT FAULT LOG

A proxy in front of the S3 server ENDPOINT (http://HOST:PORT) with one FAULT:

  none         nothing; LOG is all that is of interest
  busy         every fifth request is answered 500 or 503 SlowDown, half of them after it was done
  reset        every third part is reset in its middle
  silent       every fourth request is never answered
  lie          every second part has a bit turned over; lie-always: each
  lost-create  the first answer to the creation of an upload gets lost; lost-complete: to a completion
  no-upload, expired, small, skew, region, denied-abort
               the second part (small: the completion; skew, region: everything) is answered with that
               error; denied-abort: aborts too

Prints its own endpoint. LOG gets a line for each request that was forwarded: METHOD PATH?QUERY.
"""
import email.utils
import http.client
import http.server
import socket
import struct
import sys
import threading
import time
import urllib.parse

upstream = urllib.parse.urlsplit(sys.argv[1])
fault = sys.argv[2]
log = open(sys.argv[3], "a", encoding="utf-8")
lock = threading.Lock()
counts = {}


def nth(what):
    """How often this was called for WHAT, now included."""
    with lock:
        counts[what] = counts.get(what, 0) + 1
        return counts[what]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def fail(self, status, code, headers=(), text="no"):
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{text}</Message></Error>".encode()
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name == "Date" for name, _ in headers):
            self.send_header("Date", self.date_time_string())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

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

    def give(self, answer, data):
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        if answer.status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def answered_by_fault(self, part, completes, aborts):
        """Faults that need no server."""
        if fault == "skew":
            late = email.utils.formatdate(time.time() + 1200, usegmt=True)
            self.fail(403, "RequestTimeTooSkewed", [("Date", late)])
        elif fault == "region":
            self.fail(301, "PermanentRedirect", [("x-amz-bucket-region", "eu-north-7")])
        elif part and fault in ("no-upload", "expired", "denied-abort") and "partNumber=2" in self.path:
            status, code = {"no-upload": (404, "NoSuchUpload"), "expired": (400, "ExpiredToken"),
                            "denied-abort": (403, "AccessDenied")}[fault]
            self.fail(status, code)
        elif aborts and fault == "denied-abort":
            self.fail(403, "AccessDenied")
        elif completes and fault == "small":
            self.fail(400, "EntityTooSmall")
        else:
            return False
        return True

    def handle_one(self):
        parts = urllib.parse.urlsplit(self.path)
        part = self.command == "PUT" and "partNumber=" in parts.query
        creates = self.command == "POST" and parts.query.startswith("uploads")
        completes = self.command == "POST" and "uploadId=" in parts.query
        aborts = self.command == "DELETE" and "uploadId=" in parts.query
        length = int(self.headers.get("Content-Length") or 0)
        if fault == "reset" and part and nth("part") % 3 == 0:
            self.rfile.read(length // 2)
            return self.reset()
        body = bytearray(self.rfile.read(length))
        if self.answered_by_fault(part, completes, aborts):
            return None
        number = nth("request")
        if fault == "silent" and number % 4 == 0:
            time.sleep(8)
            return self.reset()
        if fault == "busy" and number % 10 == 4:
            return self.fail(503, "SlowDown")
        if part and (fault == "lie-always" or (fault == "lie" and nth("part") % 2 == 0)):
            body[length // 2] ^= 1
        answer, data = self.forward(bytes(body))
        if fault == "busy" and number % 10 == 9:
            return self.fail(500, "InternalError")
        if (fault == "lost-create" and creates or fault == "lost-complete" and completes) and nth("lost") == 1:
            return self.reset()
        return self.give(answer, data)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
server.serve_forever()
