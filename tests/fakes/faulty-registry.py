#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: faulty-registry.py ENDPOINT FAULT[,FAULT...] LOG

A proxy in front of the registry ENDPOINT (http://HOST:PORT) with faults and customs of others:

  none           nothing; LOG is all that is of interest
  token          wants a token, which it gives to fixture with the password sesame, for four requests
  busy           every fifth request is answered 429, 500 or 503, half of them after it was done
  reset          every second stream of a blob is reset in its middle
  lie            every second stream of a blob has a bit turned over; lie-always: each
  lie-digest     says another digest of each blob that it has taken
  lie-blob       what is downloaded has a bit turned over; lie-manifest: manifests have
  garbage        manifests and lists are no JSON
  lost-complete  the first answer to the completion of a blob gets lost; lost-manifest: to a manifest
  cut            the first download ends in its middle
  elsewhere      downloads lead to another host, which must not be shown a login
  no-range       downloads are whole, whatever was asked for
  denied         nothing may be written
  no-delete      nothing may be deleted
  referrers      says that it lists the referrers of an image by itself
  pages          lists tags by twos

Prints its own endpoint. LOG gets a line for each request that was forwarded: METHOD PATH?QUERY.
"""
import base64
import http.client
import json
import sys
import urllib.parse

sys.dont_write_bytecode = True
from proxy import Proxy, nth, serve, upstream  # noqa: E402

faults = set(sys.argv[2].split(","))
tokens = {}
LOGIN = "Basic " + base64.b64encode(b"fixture:sesame").decode()


class Handler(Proxy):
    def say(self, status, code, headers=()):
        body = json.dumps({"errors": [{"code": code, "message": "by the proxy"}]}).encode()
        self.tell(status, body, [("Content-Type", "application/json"), *headers])

    def tell(self, status, body, headers=()):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def give_token(self, query):
        if self.headers.get("Authorization") != LOGIN:
            return self.say(401, "UNAUTHORIZED")
        scope = urllib.parse.parse_qs(query)["scope"][0]
        token = f"token{nth('token')}"
        tokens[token] = [4, scope.split(":")[-1].split(",")]
        return self.tell(200, json.dumps({"token": token, "expires_in": 3600}).encode())

    def refused(self):
        """Without a token that is good for this and not used up."""
        token = tokens.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
        action = {"GET": "pull", "HEAD": "pull"}.get(self.command, "push")
        if self.command == "DELETE" and "/manifests/" in self.path:
            action = "delete"
        if token and token[0] > 0 and action in token[1]:
            token[0] -= 1
            return False
        realm = f'Bearer realm="http://{self.headers["Host"]}/token",service="proxy",scope="x"'
        self.say(401, "UNAUTHORIZED", [("WWW-Authenticate", realm)])
        return True

    def spoil_answer(self, answer, data, download):
        data = bytearray(data)
        manifest = "/manifests/" in self.path and self.command == "GET"
        if data and (download and "lie-blob" in faults or manifest and "lie-manifest" in faults):
            data[len(data) // 2] ^= 1
        if self.command == "GET" and "garbage" in faults and (manifest or "/tags/" in self.path):
            data = bytearray(b'{"tags": [[{{{')
        return bytes(data)

    def give_page(self, query):
        """Two tags behind the last one."""
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
        path = self.path.split("?")[0]
        connection.request("GET", path)
        tags = sorted(json.loads(connection.getresponse().read()).get("tags") or [])
        connection.close()
        last = urllib.parse.parse_qs(query).get("last", [""])[0]
        rest = [tag for tag in tags if tag > last]
        headers = []
        if len(rest) > 2:
            headers = [("Link", f'<{path}?n=2&last={urllib.parse.quote(rest[1])}>; rel="next"')]
        self.tell(200, json.dumps({"name": "x", "tags": rest[:2]}).encode(), headers)

    def give_part(self, answer, data):
        """The first half, and the end of the connection."""
        self.send_response_only(answer.status)
        for name in ("Content-Type", "Content-Range", "Content-Length"):
            if answer.getheader(name):
                self.send_header(name, answer.getheader(name))
        self.end_headers()
        self.wfile.write(data[:len(data) // 2])
        self.wfile.flush()
        self.close_connection = True

    def answered(self, path, query, download, writes):
        """What needs no registry."""
        if path == "/token":
            self.give_token(query)
        elif "token" in faults and not path.startswith("/elsewhere") and self.refused():
            pass
        elif "denied" in faults and writes:
            self.say(403, "DENIED")
        elif "no-delete" in faults and self.command == "DELETE" and "/manifests/" in path:
            self.say(405, "UNSUPPORTED")
        elif "elsewhere" in faults and download and not path.startswith("/elsewhere"):
            port = self.server.server_address[1]
            self.tell(307, b"", [("Location", f"http://localhost:{port}/elsewhere{self.path}")])
        elif "pages" in faults and path.endswith("/tags/list"):
            self.give_page(query)
        else:
            return False
        return True

    def hand_on(self, body, download, completes):
        number = nth("request")
        if "busy" in faults and number % 10 == 4:
            return self.say((429, 503)[number // 10 % 2], "TOOMANYREQUESTS")
        if "no-range" in faults and download:
            del self.headers["Range"]
        if self.path.startswith("/elsewhere"):
            self.path = self.path.removeprefix("/elsewhere")
            if "Authorization" in self.headers:
                return self.say(400, "LOGIN_SHOWN")
        answer, data = self.forward(body)
        if "busy" in faults and number % 10 == 9:
            return self.say(500, "UNKNOWN")
        stored = self.command == "PUT" and "/manifests/" in self.path
        if ("lost-complete" in faults and completes or "lost-manifest" in faults and stored) and nth("lost") == 1:
            return self.reset()
        if "cut" in faults and download and nth("cut") == 1:
            return self.give_part(answer, data)
        headers = []
        if "lie-digest" in faults and completes:
            answer.headers.replace_header("Docker-Content-Digest", "sha256:" + "0" * 64)
        if "referrers" in faults and stored and b'"subject"' in body:
            headers = [("OCI-Subject", json.loads(body)["subject"]["digest"])]
        return self.give(answer, self.spoil_answer(answer, data, download), headers)

    def answer_it(self):
        path, _, query = self.path.partition("?")
        download = self.command == "GET" and "/blobs/sha256:" in path
        completes = self.command == "PUT" and "/blobs/uploads/" in path
        length = int(self.headers.get("Content-Length") or 0)
        stream = self.command == "PATCH" and length > 65536
        if "reset" in faults and stream and nth("stream") % 2 == 1:
            self.rfile.read(length // 2)
            return self.reset()
        body = bytearray(self.rfile.read(length))
        if stream and ("lie-always" in faults or ("lie" in faults and nth("stream") % 2 == 1)):
            body[length // 2] ^= 1
        if self.answered(path, query, download, self.command not in ("GET", "HEAD")):
            return None
        return self.hand_on(bytes(body), download, completes)


serve(Handler)
