"""How far a run is, for whoever watches it."""

import sys
import time


def clock(seconds):
    """As hours:minutes:seconds."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


class Progress:
    """A bar with the time left, on a terminal only."""

    WIDTH = 30

    def __init__(self, epochs, done, is_shown=True):
        self.epochs, self.first, self.started = epochs, done, time.monotonic()
        self.on = is_shown and sys.stderr.isatty()

    def show(self, done, loss):
        if not self.on:
            return
        filled = int(self.WIDTH * done / self.epochs)
        left = (time.monotonic() - self.started) * (self.epochs - done) / (done - self.first)
        bar = "#" * filled + "." * (self.WIDTH - filled)
        sys.stderr.write(f"\r[{bar}] epoch {done:.1f} of {self.epochs}  loss {loss:.3f}  {clock(left)} left ")
        sys.stderr.flush()

    def line(self, text):
        """Prints a line that stays, above the bar."""
        if self.on:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
        print(text, flush=True)

    def finish(self):
        if self.on:
            sys.stderr.write("\n")
