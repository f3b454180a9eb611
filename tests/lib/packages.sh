# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian packages that the scripts use, and their installation; sourced by
# ./quickstart and ./check.

# shellcheck disable=SC2034 # used by the scripts that source this file
build_packages=(gcc libc6-dev make autoconf automake pkg-config
	libpci-dev libudev-dev libsystemd-dev libyaml-dev libsmartcols-dev libmount-dev libmnl-dev
	libarchive-dev)
# shellcheck disable=SC2034
guest_packages=(qemu-system-x86 busybox-static cpio zstd xz-utils kmod e2fsprogs python3 python3-yaml
	python3-jsonschema debian-archive-keyring ca-certificates)
# shellcheck disable=SC2034
test_packages=(clang libclang-rt-14-dev clang-format libcmocka-dev shellcheck man-db groff systemd
	dbus mmdebstrap binutils pciutils python3 python3-dbusmock python3-jsonschema)
# shellcheck disable=SC2034
package_packages=(debhelper dpkg-dev fakeroot lintian)
# shellcheck disable=SC2034
browser_packages=(chromium chromium-driver)

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# A machine that has just been started may be at its daily updates: waits for them, ten minutes at most.
update_lists() {
	local try out
	for ((try = 0; try < 60; try++)); do
		out=$(as_root env LC_ALL=C apt-get -q update 2>&1) && return 0
		[[ $out == *"Could not get lock"* ]] || break
		sleep 10
	done
	echo "$out" >&2
}

# Installs those of the packages named that are missing; silent when none is.
install_packages() {
	local missing=() package
	for package in "$@"; do
		# shellcheck disable=SC2016 # a dpkg-query format, not a variable
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			missing+=("$package")
	done
	[ ${#missing[@]} = 0 ] && return 0

	echo "installing: ${missing[*]}"
	update_lists
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 install -y \
		--no-install-recommends "${missing[@]}" >/dev/null
}
