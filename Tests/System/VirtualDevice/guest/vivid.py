"""The vivid driver, loaded with other options than the virtual device's own."""

import subprocess
import time


class Vivid:
    """While it lasts, vivid is loaded with these options: each device has an HDMI input and an HDMI output."""

    def __init__(self, n_devs=1, **options):
        each = {"allocators": "1", "node_types": "0x101", "num_inputs": "1", "input_types": "0x3", "num_outputs": "1",
                "output_types": "0x1"}  # fmt: skip
        self.options = {"n_devs": n_devs, **{key: ",".join([value] * n_devs) for key, value in each.items()}, **options}

    def __enter__(self):
        unload()
        options = [f"{key}={value}" for key, value in self.options.items()]
        subprocess.run(["insmod", "/modules/vivid.ko", *options], check=True)
        return self

    def __exit__(self, *_):
        unload()


def unload():
    subprocess.run(["rmmod", "vivid"], stderr=subprocess.DEVNULL)


def reload_elsewhere(unplugged, **numbers):
    """Takes the device away under whoever has it open; once `unplugged` returns, brings it back under other numbers."""
    with open("/sys/bus/platform/drivers/vivid/unbind", "w") as file:
        file.write("vivid.0")
    unplugged()
    deadline = time.monotonic() + 10
    while subprocess.run(["rmmod", "vivid"], stderr=subprocess.DEVNULL).returncode:  # until nobody has it open
        if time.monotonic() > deadline:
            raise TimeoutError("the driver is still in use")
        time.sleep(0.05)
    Vivid(**numbers).__enter__()
