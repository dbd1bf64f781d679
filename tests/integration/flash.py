#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: flash.py IMAGE DEVICE

Does what `bmaptool copy` does with IMAGE.bmap, but to a DEVICE that exists and keeps what lies where nothing is
mapped, be it a plain file; checks the map's own checksum and those of its ranges.
"""
import hashlib
import os
import re
import sys

image, device = sys.argv[1:]
with open(image + ".bmap") as f:
    text = f.read()


def number(name):
    return int(re.search(rf"<{name}> (\d+) </{name}>", text)[1])


own = re.search(r"<BmapFileChecksum> (\w{64}) </BmapFileChecksum>", text)[1]
assert hashlib.sha256(text.replace(own, "0" * 64).encode()).hexdigest() == own, "the map's own checksum"
assert number("ImageSize") == os.path.getsize(image) == os.path.getsize(device)
block = number("BlockSize")
mapped, last = 0, -1
with open(image, "rb") as source, open(device, "r+b") as target:
    for checksum, first, end in re.findall(r'<Range chksum="(\w+)"> (\d+)(?:-(\d+))? </Range>', text):
        first, end = int(first), int(end or first)
        assert last < first <= end
        mapped, last = mapped + end - first + 1, end
        source.seek(first * block)
        data = source.read((end - first + 1) * block)
        assert hashlib.sha256(data).hexdigest() == checksum, f"blocks {first}-{end}"
        target.seek(first * block)
        target.write(data)
assert mapped == number("MappedBlocksCount") and last < number("BlocksCount")
