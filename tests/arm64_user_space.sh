#!/usr/bin/env bash
# What Dockerfile.rpi starts from, for tests on an emulated processor: an arm64 Debian with its packages, the wheels that
# it installs, and qemu-user 10 (earlier ones end LiteRT in a crash). Needs root, debootstrap and the network; 500 MB.
#   tests/arm64_user_space.sh DIR
#   ECG_EDGE_ARM64=DIR python -m pytest tests/firmware_bench/test_arm64.py
set -euo pipefail
dockerfile=$(cd "$(dirname "$0")/.." && pwd)/Dockerfile.rpi
mkdir -p "$1"
cd "$1"

packages=$(sed -n 's/.*apt-get install.*--no-install-recommends \(.*\) \\/\1/p' "$dockerfile" | tr ' ' ,)
# Its second stage would run here, under the emulator: unpacked packages are enough.
debootstrap --arch=arm64 --variant=minbase --foreign --include="$packages" bookworm root > debootstrap.log
for package in root/var/cache/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar --extract --directory root --keep-directory-symlink --file -
done
rm -rf root/var/cache/apt/archives/*.deb root/debootstrap
[ ! -L root/proc ] || { rm root/proc && mkdir root/proc; } # in a container debootstrap makes a link to the host's

options=(-o Dir::Etc::sourcelist="$PWD/backports.list" -o Dir::Etc::sourceparts=/nonexistent -o Dir::State::lists="$PWD/lists")
echo "deb http://deb.debian.org/debian bookworm-backports main" > backports.list
mkdir -p lists/partial
apt-get "${options[@]}" --quiet --quiet update
apt-get "${options[@]}" --quiet --quiet download qemu-user/bookworm-backports
dpkg-deb --fsys-tarfile qemu-user_*.deb | tar --extract --to-stdout --file - ./usr/bin/qemu-aarch64 > qemu-aarch64
chmod +x qemu-aarch64
rm -rf lists backports.list qemu-user_*.deb

# shellcheck disable=SC2046 # a word each
python3 -m pip download --quiet --disable-pip-version-check --dest wheels --only-binary=:all: --python-version 3.11 \
    --platform manylinux_2_36_aarch64 --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
    $(grep --only-matching --extended-regexp '[a-z0-9-]+==[0-9.]+' "$dockerfile")
