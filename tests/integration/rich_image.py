#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: rich_image.py make DIRECTORY        an OCI layout of the minimal image with two rich layers on top
          rich_image.py compare DIRECTORY TAR  is TAR the tree of that image?  Says what differs."""
import os
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "fixtures"))
import refuse  # noqa: E402
from oci import Layer  # noqa: E402

XATTR = "SCHILY.xattr.user.note"


def layers():
    first = (Layer().dir("usr").dir("usr/share").dir("usr/share/rich", mode=0o2750, owner=(7, 1234567))
             .file("usr/share/rich/owned", "owned\n", mode=0o4755, owner=(1000, 1001), xattrs={"user.note": "a note"})
             .file("usr/share/rich/gone", "gone\n").file("usr/share/rich/changed", "old\n")
             .file("usr/share/rich/with blank \u00fc", "x" * 70000).link("usr/share/rich/link", "owned")
             .file("usr/share/rich/" + "long" * 40, "long\n").file("usr/share/rich/empty", "")
             .dir("etc").file("etc/rich.conf", "rich = yes\n", mode=0o640, owner=(0, 42)))
    second = (Layer().dir("usr").dir("usr/share").dir("usr/share/rich", mode=0o2750, owner=(7, 1234567))
              .delete("usr/share/rich/gone").file("usr/share/rich/changed", "new\n", mode=0o600))
    return [refuse.tree(), first, second]


def entries(tar):
    """What each path of a tar is."""
    for info in tar:
        name = os.path.normpath(info.name)
        data = tar.extractfile(info).read() if info.isreg() else None
        yield name, (info.type, info.mode & 0o7777, info.uid, info.gid, info.linkname, data,
                     info.pax_headers.get(XATTR))


def tree(directory):
    """The image's layers, one upon the other."""
    image = refuse.Layout(directory)
    manifest, _ = image.load()
    found = {}
    for layer in manifest["layers"]:
        with tarfile.open(image.blob_path(layer["digest"])) as tar:
            for name, entry in entries(tar):
                parent, base = os.path.split(name)
                if base.startswith(".wh."):
                    del found[os.path.join(parent, base[4:])]
                else:
                    found[name] = entry
    return found


def compare(directory, path):
    wanted = tree(directory)
    with tarfile.open(path) as tar:
        found = dict(entries(tar))
    found.pop(".")
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            print(f"{name}: {found.get(name)!r:.200}, not {wanted.get(name)!r:.200}")
    return wanted == found


if sys.argv[1] == "make":
    refuse.Image(sys.argv[2], layers()).save()
elif not compare(sys.argv[2], sys.argv[3]):
    sys.exit(1)
