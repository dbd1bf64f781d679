# SPDX-License-Identifier: MIT
# Sourced by the scripts of tests/boot that start QEMU: how to run a guest here, and its firmware.
# $work is a directory for what they need; $bios and $secure say which firmware, empty for plain UEFI.
# shellcheck shell=bash disable=SC2154,SC2034

# What a kernel says that QEMU without KVM crashed, which it does now and then.
crash='Kernel panic - not syncing|double fault:|general protection fault'

# Firmware says hello on its debug port within seconds, or KVM is of no use.
kvm_works() {
	local out=$work/kvm
	[ -w /dev/kvm ] || return 1
	timeout --signal=KILL 5 qemu-system-x86_64 -nodefaults -display none -machine q35,accel=kvm -cpu max -m 64 \
		-chardev file,id=c,path="$out" -device isa-debugcon,iobase=0x402,chardev=c > "$work/kvm.log" 2>&1 || true
	grep -qs SeaBIOS "$out"
}

accelerator() {
	case ${SLIPWAY_ACCEL:-} in
	kvm | tcg) echo "$SLIPWAY_ACCEL" ;;
	*) kvm_works && echo kvm || echo tcg ;;
	esac
}

# firmware: puts QEMU's arguments for it into the array args.
firmware() {
	local dir
	[ "$bios" ] && return
	if [ "$secure" ]; then
		secure_firmware
		return
	fi
	for dir in /usr/share/OVMF/OVMF_{CODE,VARS}_4M.fd /usr/share/edk2/ovmf/OVMF_{CODE,VARS}.fd; do
		[ ! -f "$dir" ] || case $dir in
		*CODE*) args+=(-drive "if=pflash,format=raw,readonly=on,file=$dir") ;;
		*) cp "$dir" "$work/vars.fd" && args+=(-drive "if=pflash,format=raw,file=$work/vars.fd") ;;
		esac
	done
	[ ${#args[@]} -eq 2 ] || [ ${#args[@]} -eq 4 ] || die "no UEFI firmware found: install ovmf"
}

# Without the guest's system management mode the keys would be anyone's to change.
secure_firmware() {
	local code=/usr/share/OVMF/OVMF_CODE_4M.secboot.fd vars=/usr/share/OVMF/OVMF_VARS_4M.ms.fd
	if [ ! -f "$vars" ]; then
		code=/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd vars=/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd
	fi
	[ -f "$code" ] || die "no UEFI firmware with Secure Boot found: install ovmf"
	cp "$vars" "$work/vars.fd"
	args=(-machine smm=on -global "driver=cfi.pflash01,property=secure,value=on" -global ICH9-LPC.disable_s3=1
		-drive "if=pflash,format=raw,readonly=on,file=$code" -drive "if=pflash,format=raw,file=$work/vars.fd")
}
