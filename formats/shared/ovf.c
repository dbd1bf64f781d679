/* SPDX-License-Identifier: MIT */
#include "formats/shared/ovf.h"

#include "core/size.h"

#define DMTF "http://schemas.dmtf.org/"
#define CIM DMTF "wbem/wscim/1/cim-schema/2/"
#define VMDK "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
#define NETWORK "VM Network"
/* CIM's number of a 64-bit Linux, and VMware's word for it. */
#define SYSTEM_ID 101
#define SYSTEM_TYPE "other3xLinux64Guest"
#define DIGITS 20

enum resource {
	RESOURCE_CPU = 3,
	RESOURCE_MEMORY = 4,
	RESOURCE_SCSI = 6,
	RESOURCE_NETWORK = 10,
	RESOURCE_DISK = 17,
};

/* Elements of an Item in the order of the schema; those that are NULL are left out. */
struct item {
	const char *address;
	const char *address_on_parent;
	const char *units;
	const char *connection;
	const char *name;
	const char *host;
	const char *parent;
	const char *subtype;
	enum resource type;
	guint64 quantity; /* 0: none */
};

static void add_element(GString *xml, const char *name, const char *value)
{
	if (value != NULL)
		g_string_append_printf(xml, "        <rasd:%s>%s</rasd:%s>\n", name, value, name);
}

static void add_number(GString *xml, const char *name, guint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

	if (value != 0)
		add_element(xml, name, text);
}

static void add_item(GString *xml, guint64 id, const struct item *item)
{
	g_string_append(xml, "      <Item>\n");
	add_element(xml, "Address", item->address);
	add_element(xml, "AddressOnParent", item->address_on_parent);
	add_element(xml, "AllocationUnits", item->units);
	add_element(xml, "AutomaticAllocation", item->connection != NULL ? "true" : NULL);
	add_element(xml, "Connection", item->connection);
	add_element(xml, "ElementName", item->name);
	add_element(xml, "HostResource", item->host);
	add_number(xml, "InstanceID", id);
	add_element(xml, "Parent", item->parent);
	add_element(xml, "ResourceSubType", item->subtype);
	add_number(xml, "ResourceType", item->type);
	add_number(xml, "VirtualQuantity", item->quantity);
	g_string_append(xml, "      </Item>\n");
}

/* The controller is the third: the disk names it as its parent. */
static void add_items(GString *xml, const struct sw_ovf *ovf)
{
	const struct item items[] = {
		{ .name = "CPU",
		  .units = "hertz * 10^6",
		  .type = RESOURCE_CPU,
		  .quantity = (guint64)ovf->cpus },
		{ .name = "Memory",
		  .units = "byte * 2^20",
		  .type = RESOURCE_MEMORY,
		  .quantity = ovf->memory / SW_MIB },
		{ .name = "SCSI controller",
		  .address = "0",
		  .subtype = "VirtualSCSI",
		  .type = RESOURCE_SCSI },
		{ .name = "Disk",
		  .address_on_parent = "0",
		  .host = "ovf:/disk/vmdisk1",
		  .parent = "3",
		  .type = RESOURCE_DISK },
		{ .name = "Ethernet adapter",
		  .address_on_parent = "7",
		  .connection = NETWORK,
		  .subtype = "VmxNet3",
		  .type = RESOURCE_NETWORK },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(items); i++)
		add_item(xml, i + 1, &items[i]);
}

static void add_files(GString *xml, const struct sw_ovf *ovf)
{
	g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT "\"", ovf->disk_size);

	g_string_append(xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			     "<Envelope xmlns=\"" DMTF "ovf/envelope/1\""
			     " xmlns:ovf=\"" DMTF "ovf/envelope/1\""
			     " xmlns:rasd=\"" CIM "CIM_ResourceAllocationSettingData\""
			     " xmlns:vssd=\"" CIM "CIM_VirtualSystemSettingData\""
			     " xmlns:vmw=\"http://www.vmware.com/schema/ovf\">\n"
			     "  <References>\n");
	g_string_append_printf(xml,
			       "    <File ovf:id=\"file1\" ovf:href=\"%s\" ovf:size=\"%-*s/>\n"
			       "  </References>\n",
			       ovf->disk, DIGITS + 1, size);
	g_string_append_printf(xml,
			       "  <DiskSection>\n    <Info>The disk of the machine</Info>\n"
			       "    <Disk ovf:diskId=\"vmdisk1\" ovf:fileRef=\"file1\""
			       " ovf:capacity=\"%" G_GUINT64_FORMAT "\""
			       " ovf:capacityAllocationUnits=\"byte\" ovf:format=\"" VMDK "\"/>\n"
			       "  </DiskSection>\n",
			       ovf->disk_capacity);
	g_string_append(xml, "  <NetworkSection>\n    <Info>The network of the machine</Info>\n"
			     "    <Network ovf:name=\"" NETWORK "\">\n"
			     "      <Description>Any network with DHCP</Description>\n"
			     "    </Network>\n  </NetworkSection>\n");
}

static void add_config(GString *xml, const char *key, const char *value)
{
	g_string_append_printf(xml,
			       "      <vmw:Config ovf:required=\"false\" vmw:key=\"%s\""
			       " vmw:value=\"%s\"/>\n",
			       key, value);
}

char *sw_ovf_make(const struct sw_ovf *ovf)
{
	g_autofree char *name = g_markup_escape_text(ovf->name, -1);
	GString *xml = g_string_new(NULL);

	add_files(xml, ovf);
	g_string_append_printf(xml,
			       "  <VirtualSystem ovf:id=\"%s\">\n    <Info>A machine</Info>\n"
			       "    <Name>%s</Name>\n"
			       "    <OperatingSystemSection ovf:id=\"%d\" vmw:osType=\"%s\">\n"
			       "      <Info>The operating system</Info>\n"
			       "      <Description>Linux, 64 bits</Description>\n"
			       "    </OperatingSystemSection>\n",
			       name, name, SYSTEM_ID, SYSTEM_TYPE);
	g_string_append_printf(
		xml,
		"    <VirtualHardwareSection>\n      <Info>The hardware</Info>\n"
		"      <System>\n"
		"        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>\n"
		"        <vssd:InstanceID>0</vssd:InstanceID>\n"
		"        <vssd:VirtualSystemIdentifier>%s</vssd:VirtualSystemIdentifier>\n"
		"        <vssd:VirtualSystemType>vmx-%s</vssd:VirtualSystemType>\n"
		"      </System>\n",
		name, ovf->hardware);
	add_items(xml, ovf);
	add_config(xml, "firmware", ovf->firmware);
	add_config(xml, "bootOptions.efiSecureBootEnabled", ovf->secure_boot ? "true" : "false");
	g_string_append(xml, "    </VirtualHardwareSection>\n  </VirtualSystem>\n</Envelope>\n");
	return g_string_free(xml, FALSE);
}
