"""guest.py MOMENT: in the virtual device: looks at what the last cut of power left of a folder of kept frames, goes on keeping, and
cuts the power after so many milliseconds; with "never" it ends the program instead."""

import json
import os
import signal
import subprocess
import sys
import time

FOLDER = "/disk/kept"
MODULES = (
    "virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk crc16 crc32c_generic libcrc32c "
    "mbcache jbd2 ext4"
)


def fail(reason):
    sys.exit(f"guest: {reason}")


def names():
    return set(os.listdir(FOLDER)) if os.path.isdir(FOLDER) else set()


def check_whole(found):
    """Every record has a picture, and both are what was written; how many."""
    stems = sorted(name[:-5] for name in found if name.endswith(".json"))
    for stem in stems:
        if f"{stem}.jpg" not in found:
            fail(f"{stem}.json has no picture")
        with open(f"{FOLDER}/{stem}.json") as file:
            record = json.load(file)
        if not record["top"] or not record["time"]:
            fail(f"{stem}.json is not whole")
    pictures = [f"{FOLDER}/{stem}.jpg" for stem in stems]
    for start in range(0, len(pictures), 100):
        command = ["rarebit", "classify", "model.rbit", *pictures[start : start + 100]]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0 or result.stderr:
            fail(f"pictures are not whole: {result.stderr.splitlines()[:3]}")
    return len(stems)


def main():
    moment = sys.argv[1]
    for module in MODULES.split():
        subprocess.run(["insmod", f"/modules/{module}.ko"], check=True)
    os.makedirs("/disk", exist_ok=True)
    subprocess.run(["mount", "-t", "ext4", "/dev/vda", "/disk"], check=True)

    found = names()
    whole = check_whole(found)
    print(f"found {whole} whole, {len(found) - 2 * whole} halves", flush=True)

    # Few frames wait for the disk: the cut comes where most of the time goes.
    program = subprocess.Popen(
        ["rarebit", "run", "model.rbit", "--frames", "frames", "--loop", "--keep", FOLDER, "--keep-when", "margin<1"]
        + ["--keep-spacing", "0,0", "--keep-limit", "10M,40", "--output", "file:/dev/null"]
    )
    begin = time.monotonic()
    while moment != "never" and (time.monotonic() - begin) * 1000 < int(moment):
        time.sleep(0.001)
    if moment != "never":
        with open("/proc/sysrq-trigger", "w") as trigger:
            trigger.write("b")
        time.sleep(60)
    time.sleep(1)
    program.send_signal(signal.SIGTERM)
    if program.wait(30) != 0:
        fail(f"exit status {program.returncode}")
    found = names()
    whole = check_whole(found)
    if len(found) != 2 * whole:
        fail(f"{sorted(found)}: halves stay")
    if whole > 40:
        fail(f"{whole} frames are more than the limit")
    print(f"ended with {whole} whole")


main()
