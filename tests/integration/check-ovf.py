#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""usage: tests/integration/check-ovf.py DIRECTORY CAPACITY

Is image.ovf in DIRECTORY the OVF 1.0 descriptor that tests/integration/test-machine-formats.sh asked for, with a
disk of CAPACITY bytes? What DMTF's schema (DSP8023) demands of it is written out here: elements in their order.
"""
import os
import sys
import xml.etree.ElementTree as ET

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
CIM = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_"
RASD = CIM + "ResourceAllocationSettingData}"
VSSD = CIM + "VirtualSystemSettingData}"
VMW = "{http://www.vmware.com/schema/ovf}"


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, should be {wanted!r}")


def tags(element, namespace=OVF):
    return [child.tag.replace(namespace, "", 1) for child in element]


def items(hardware):
    """Resource types with what they say; CIM's schemas order the elements of an item by name."""
    found = {}
    for item in hardware.findall(OVF + "Item"):
        names = tags(item, RASD)
        expect("order in an Item", names, sorted(names))
        values = dict(zip(names, (child.text for child in item)))
        for required in ("ElementName", "InstanceID", "ResourceType"):
            if required not in values:
                sys.exit(f"an Item has no {required}: {values}")
        if values["ResourceType"] in found:
            sys.exit(f"two Items of resource type {values['ResourceType']}")
        found[values["ResourceType"]] = values
    ids = [item["InstanceID"] for item in found.values()]
    expect("ids", len(set(ids)), len(ids))
    return found


def check_files(envelope, directory, capacity):
    file = envelope.find(f"{OVF}References/{OVF}File")
    expect("file", file.get(OVF + "href"), "image.vmdk")
    expect("file's size", int(file.get(OVF + "size")),
           os.path.getsize(os.path.join(directory, "image.vmdk")))
    section = envelope.find(OVF + "DiskSection")
    expect("DiskSection", tags(section), ["Info", "Disk"])
    disk = section.find(OVF + "Disk")
    expect("disk's file", disk.get(OVF + "fileRef"), file.get(OVF + "id"))
    expect("disk's capacity", (int(disk.get(OVF + "capacity")),
                               disk.get(OVF + "capacityAllocationUnits")), (capacity, "byte"))
    expect("disk's format", disk.get(OVF + "format"),
           "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized")
    return disk.get(OVF + "diskId")


def main():
    directory, capacity = sys.argv[1], int(sys.argv[2])
    envelope = ET.parse(os.path.join(directory, "image.ovf")).getroot()
    expect("root", envelope.tag, OVF + "Envelope")
    expect("Envelope", tags(envelope),
           ["References", "DiskSection", "NetworkSection", "VirtualSystem"])
    disk = check_files(envelope, directory, capacity)
    expect("NetworkSection", tags(envelope.find(OVF + "NetworkSection")), ["Info", "Network"])
    network = envelope.find(f"{OVF}NetworkSection/{OVF}Network").get(OVF + "name")

    system = envelope.find(OVF + "VirtualSystem")
    expect("VirtualSystem", tags(system),
           ["Info", "Name", "OperatingSystemSection", "VirtualHardwareSection"])
    expect("name", system.find(OVF + "Name").text, 'A & "B"')
    hardware = system.find(OVF + "VirtualHardwareSection")
    expect("hardware", tags(hardware)[:2], ["Info", "System"])
    expect("System", tags(hardware.find(OVF + "System"), VSSD),
           ["ElementName", "InstanceID", "VirtualSystemIdentifier", "VirtualSystemType"])

    found = items(hardware)
    expect("resource types", sorted(found), ["10", "17", "3", "4", "6"])
    expect("processors", found["3"]["VirtualQuantity"], "3")
    expect("memory", (found["4"]["VirtualQuantity"], found["4"]["AllocationUnits"]),
           ("3072", "byte * 2^20"))
    expect("disk", (found["17"]["HostResource"], found["17"]["Parent"]),
           (f"ovf:/disk/{disk}", found["6"]["InstanceID"]))
    expect("network", found["10"]["Connection"], network)
    config = {c.get(VMW + "key"): c.get(VMW + "value") for c in hardware.findall(VMW + "Config")}
    expect("firmware", config, {"firmware": "efi", "bootOptions.efiSecureBootEnabled": "true"})


main()
