"""What the bridge tells people: lines on standard error, which systemd keeps."""

import sys
import threading
import time

_lock = threading.Lock()


def tell(sentence):
    with _lock:
        print(f"rarebit-bridge: {sentence}", file=sys.stderr, flush=True)


class Trouble:
    """Something that fails again and again: told when it begins, when its reason changes, and when it is over."""

    def __init__(self, what):
        self.what, self.reason, self.since, self.count = what, None, 0.0, 0

    def failed(self, reason):
        self.count += 1
        if self.reason is None:
            self.since, self.count = time.monotonic(), 1
        if reason != self.reason:
            self.reason = reason
            tell(f"{self.what}: {reason}")

    def is_over(self):
        if self.reason is not None:
            tell(f"{self.what}: well again after {time.monotonic() - self.since:.0f} s, {self.count} failures")
            self.reason = None
