#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: tests/labels.py DISK [PATH]...

Walks the root and the boot filesystem of DISK (raw; only read, by libguestfs) and names every file whose
SELinux label is missing or wrong, or that has one where the image has no policy. With PATHs (of the
physical root, or /boot/...) only what lies below them. Judge of the labels is matchpathcon with the texts of
the image's own policy. Prints how many files were looked at; fails if one was named."""

import os
import stat
import subprocess
import sys
import tempfile

import guestfs

LABEL = "security.selinux"
TYPES = {"d": "dir", "r": "file", "l": "lnk_file", "c": "chr_file", "f": "pipe"}
SUFFIXES = ("", ".subs_dist", ".subs", ".homedirs", ".local")
# Contract 1.7, 2.5, 2.8 and 2.13: these are not labelled by the names under which they lie.
SPECIAL = {"/ostree": "/usr", "DEPLOYMENT/proc": "/mnt", "DEPLOYMENT/.ostree.cfs": "/usr",
           "DEPLOYMENT.origin": "/etc/ostree/remotes.d/dummy.conf"}


def start(disk):
    guest = guestfs.GuestFS(python_return_dict=True)
    guest.set_backend("direct")
    guest.set_backend_setting("force_tcg", "1")
    guest.add_drive_opts(disk, format="raw", readonly=1)
    guest.launch()
    return guest


def entries(guest, directory):
    """Yields (name, type, inode, label or None) for what lies in a directory."""
    found = sorted(guest.readdir(directory), key=lambda entry: entry["name"])
    found = [entry for entry in found if entry["name"] not in (".", "..")]
    attributes = iter(guest.lxattrlist(directory, [entry["name"] for entry in found]) if found else [])
    for entry in found:
        label = None
        for _ in range(int(bytes(next(attributes)["attrval"]).rstrip(b"\0"))):
            attribute = next(attributes)
            if attribute["attrname"] == LABEL:
                label = bytes(attribute["attrval"]).rstrip(b"\0").decode()
        yield entry["name"], entry["ftyp"], entry["ino"], label


def label_of(guest, path):
    labels = [x["attrval"] for x in guest.lgetxattrs(path) if x["attrname"] == LABEL]
    return bytes(labels[0]).rstrip(b"\0").decode() if labels else None


def walk(guest, prefix, start_at):
    """Yields (path, type, inode, label) for all below START_AT of what is mounted on /."""
    if start_at == "/":
        yield prefix or "/", "d", 0, label_of(guest, "/")
    todo = [start_at]
    while todo:
        directory = todo.pop()
        for name, kind, inode, label in entries(guest, directory):
            path = directory.rstrip("/") + "/" + name
            yield prefix + path, kind, inode, label
            if kind == "d":
                todo.append(path)


def extract_policy(guest, deployment, directory):
    """The path of the image's file_contexts, written to DIRECTORY; None when it has no policy."""
    config = deployment + "/etc/selinux/config"
    if not guest.is_file(config):
        return None
    words = dict(line.split("=", 1) for line in guest.read_lines(config) if line.startswith("SELINUX"))
    if words.get("SELINUX", "") not in ("enforcing", "permissive"):
        return None
    source = f"{deployment}/etc/selinux/{words['SELINUXTYPE']}/contexts/files/file_contexts"
    target = os.path.join(directory, "file_contexts")
    for suffix in SUFFIXES:
        if guest.is_file(source + suffix):
            guest.download(source + suffix, target + suffix)
    return target


def policy_name(path, deployment):
    """The name that the booted system has for a path of the disk."""
    special = SPECIAL.get(path.replace(deployment, "DEPLOYMENT", 1))
    if special:
        return special
    stateroot = os.path.dirname(os.path.dirname(deployment))
    for place, name in ((deployment, ""), (stateroot + "/var", "/var"),
                        ("/ostree/bootc/storage", "/var/lib/containers/storage")):
        if path == place or path.startswith(place + "/"):
            return name + path[len(place):] or "/"
    return path


def judge(policy, names):
    """What matchpathcon says of each (type, name)."""
    verdict = {}
    for kind, word in TYPES.items():
        wanted = sorted(name for have, name in names if have == kind)
        for i in range(0, len(wanted), 500):
            part = wanted[i:i + 500]
            out = subprocess.run(["matchpathcon", "-N", "-n", "-f", policy, "-m", word, *part],
                                 env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"},
                                 stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
            if len(out) != len(part):
                sys.exit(f"matchpathcon: {len(out)} answers to {len(part)} questions")
            verdict.update({(kind, name): None if label == "<<none>>" else label
                            for name, label in zip(part, out)})
    return verdict


def check(files, deployment, policy):
    """Returns a line for each of FILES whose label is not what it should be."""
    named = set()  # inodes with a name in the deployment
    wanted = {}
    for path, kind, inode, _ in files:
        if path.startswith(deployment + "/") and kind != "d":
            named.add(inode)
        wanted[path] = (kind, policy_name(path, deployment))
    verdict = judge(policy, set(wanted.values())) if policy else {}
    lines = []
    for path, kind, inode, label in files:
        is_object = "/ostree/repo/objects/" in path and path.endswith(".file")
        if not policy:
            expected = None
        elif is_object:
            # Its name in the deployment is judged, or it is another layer's: then it must have any.
            expected = label if label or inode in named else "any label"
        else:
            expected = verdict[wanted[path]]
        if label != expected:
            lines.append(f"{path}: {label or 'no label'}, should be {expected or 'no label'}")
    return lines


def collect(guest, paths):
    """Walks both filesystems; returns the files, the deployment and the policy's directory."""
    files = []
    scratch = tempfile.TemporaryDirectory()
    guest.mount_ro(guest.findfs_label("root"), "/")
    (deployment,) = [path.rstrip("/") for path in guest.glob_expand("/ostree/deploy/*/deploy/*.0/")]
    policy = extract_policy(guest, deployment, scratch.name)
    paths = [path.replace("DEPLOYMENT", deployment) for path in paths] or ["/", "/boot/"]
    for path in paths:
        if not path.startswith("/boot/"):
            files += walk(guest, "", path)
    guest.umount("/")
    guest.mount_ro(guest.findfs_label("boot"), "/")
    for path in paths:
        if path.startswith("/boot/"):
            files += walk(guest, "/boot", path[len("/boot"):])
    return files, deployment, policy, scratch


def main():
    if len(sys.argv) < 2 or not stat.S_ISREG(os.stat(sys.argv[1]).st_mode):
        sys.exit(__doc__)
    guest = start(sys.argv[1])
    files, deployment, policy, _scratch = collect(guest, sys.argv[2:])
    guest.shutdown()
    guest.close()
    lines = check(files, deployment, policy)
    print("\n".join(lines + [f"{len(files)} files, {len(lines)} with a wrong label"]))
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
