#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A stand-in for `skopeo experimental-image-proxy` that misbehaves.

Put a link named "skopeo" to it first in PATH, and the fault into LYING_SKOPEO:

  (none)            a proxy of protocol 0.2.9 whose GetManifest gives "{}" and the value "beside"
  version:V         Initialize answers V
  refuse            Initialize is refused
  old               ends as a skopeo without this command does
  die               ends at the second request
  mute              never answers the second request
  garbage           answers the second request with what is not JSON
  list              answers the second request with JSON that is not an object
  long              answers the second request with 40000 bytes
  no-pipe           GetManifest has no descriptor
  pipes             GetManifest has four descriptors, the first one is right
  endless           GetManifest never ends
  late              GetManifest's FinishPipe is refused
"""
import array
import json
import os
import socket
import sys
import threading
import time


def write_out(fd, endless):
    try:
        os.write(fd, b"{}")
        while endless:
            os.write(fd, b" " * 65536)
    except BrokenPipeError:
        pass


class Proxy:
    def __init__(self, fault):
        self.fault, _, self.argument = fault.partition(":")
        self.socket = socket.socket(fileno=0)
        self.asked = 0

    def send(self, value=None, error="", pipe=0, fds=()):
        reply = {"success": not error, "value": value, "pipeid": pipe, "error": error}
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.socket.sendmsg([json.dumps(reply).encode()], rights)
        for fd in fds:
            os.close(fd)

    def initialize(self):
        if self.fault == "refuse":
            self.send(error="broken configuration")
        else:
            self.send(self.argument if self.fault == "version" else "0.2.9")

    def misbehave(self):
        if self.fault == "die":
            sys.exit("fatal: out of luck")
        if self.fault == "mute":
            time.sleep(60)
        answers = {"garbage": b"\0{]", "list": b"[1]", "long": b'{"x":"' + b"x" * 40000 + b'"}'}
        if self.fault in answers:
            self.socket.send(answers[self.fault])
            return True
        return False

    def get_manifest(self):
        if self.fault == "no-pipe":
            self.send("beside", pipe=7)
            return
        reader, self.writer = os.pipe()
        fds = [reader] + [os.dup(reader) for _ in range(3 if self.fault == "pipes" else 0)]
        arguments = (self.writer, self.fault == "endless")
        self.thread = threading.Thread(target=write_out, args=arguments, daemon=True)
        self.thread.start()
        self.send("beside", pipe=7, fds=fds)

    def finish_pipe(self):
        self.thread.join()
        os.close(self.writer)
        self.send(error="corrupted blob, expecting more" if self.fault == "late" else "")

    def serve(self):
        while True:
            data = self.socket.recv(32768)
            if not data:
                return
            request = json.loads(data)
            self.asked += 1
            if request["method"] == "Shutdown":
                return
            if request["method"] == "Initialize":
                self.initialize()
            elif self.asked == 2 and self.misbehave():
                pass
            elif request["method"] == "GetManifest" and request["args"] == [5]:
                self.get_manifest()
            elif request["method"] == "FinishPipe" and request["args"] == [7]:
                self.finish_pipe()
            else:
                self.send(error="unknown method: " + request["method"])


def main():
    fault = os.environ.get("LYING_SKOPEO", "")
    if fault == "old":
        sys.exit('unknown command "experimental-image-proxy" for "skopeo"')
    if "--sockfd=0" not in sys.argv:
        sys.exit("no --sockfd=0")
    print("starting", file=sys.stderr)
    Proxy(fault).serve()


if __name__ == "__main__":
    main()
