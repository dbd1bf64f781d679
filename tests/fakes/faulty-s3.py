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
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
from proxy import Proxy, nth, serve  # noqa: E402

fault = sys.argv[2]


class Handler(Proxy):
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

    def answer_it(self):
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


serve(Handler)
