"""Reads the camera's records from its socket, and keeps what is so now.

The camera never waits for who listens: records that are not taken in time are lost, whole. So this is read by a thread that
does nothing else that could wait.
"""

import json
import selectors
import socket
import time
from collections import Counter
from datetime import datetime, timezone

from log import Trouble, tell

MOST_LINE_BYTES = 1 << 20
RETRY_S = 1.0
# Faults of what a run writes; all others but bad frames among good ones stop the answers.
OF_OUTPUT = ("output_full", "output_gone", "record_failed")


def moment():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


class Camera:
    """What the records say is so.

    `publish(name, value)` is called with what a topic holds: "answer", "problem" and "camera"; `seen(record)` with each event.
    """

    def __init__(self, publish, seen, every, silent):
        self.publish, self.seen, self.every, self.silent = publish, seen, every, silent
        self.answer, self.told, self.told_at = None, None, 0.0
        self.faults, self.stopped_by, self.last_error = Counter(), None, None
        self.is_connected, self.heard_at = False, 0.0
        self.availability = None

    def connected(self, is_connected):
        self.is_connected, self.heard_at = is_connected, time.monotonic()
        if not is_connected:
            self.stopped_by = None
        self.tell_problem()
        self.tell_availability()

    def take(self, record):
        self.heard_at = time.monotonic()
        event = record.get("event")
        if event is None:
            self.take_answer(record)
        elif event == "seen":
            self.seen({**record, "time": moment()})
        elif event == "fault":
            self.take_fault(record)
        elif event == "recovered" and record.get("kind") == self.stopped_by:
            self.stopped_by = None
            self.tell_problem()
        self.tell_availability()

    def take_fault(self, record):
        kind = record["kind"]
        # Bad frames are told with how many there were.
        self.faults[kind] = record.get("total", self.faults[kind] + 1)
        self.last_error = record.get("error", self.last_error)
        if "total" not in record and kind not in OF_OUTPUT:
            self.stopped_by = kind
        self.tell_problem()

    def take_answer(self, record):
        if self.stopped_by:
            self.stopped_by = None
            self.tell_problem()
        top = record["top"]
        best = top[0]
        plain = max(top, key=lambda one: one["plain_logit"])
        self.answer = {
            # Home Assistant's word for what nobody knows, too.
            "name": "unknown" if record.get("unknown") else best["name"][:255],
            "class": best["class"],
            "probability": best["probability"],
            "plain_name": plain["name"],
            "plain_probability": plain["plain_probability"],
            "alpha": record["alpha"],
            "frame": record["frame"],
            "age_ms": record["age_ms"],
            "time": moment(),
            "top": [{key: one[key] for key in ("name", "probability", "plain_probability")} for one in top],
        }
        self.tell_answer()

    def tell_answer(self):
        """At once where the name is another; else no more often than is asked for."""
        if self.answer is None:
            return
        now = time.monotonic()
        if self.told == self.answer["name"] and now - self.told_at < self.every:
            return
        self.publish("answer", self.answer)
        self.told, self.told_at, self.answer = self.answer["name"], now, None

    def tell_problem(self):
        self.publish("problem", {
            "problem": "ON" if self.stopped_by else "OFF", "kind": self.stopped_by, "last_error": self.last_error,
            "faults": dict(self.faults)})

    def tell_availability(self):
        is_silent = time.monotonic() - self.heard_at > self.silent
        availability = "online" if self.is_connected and not self.stopped_by and not is_silent else "offline"
        if availability != self.availability:
            self.availability = availability
            if is_silent and self.is_connected:
                tell(f"no record for {self.silent:g} s: the camera counts as away")
            self.publish("camera", availability)

    def turn(self):
        """To be called now and then."""
        self.tell_answer()
        self.tell_availability()


class Lines:
    """Lines out of pieces of bytes; those that are too long are passed over."""

    def __init__(self):
        self.rest, self.passed_over, self.is_passing = b"", 0, False

    def take(self, piece):
        *lines, self.rest = (self.rest + piece).split(b"\n")
        for line in lines:
            if self.is_passing:
                self.is_passing = False
            else:
                yield line
        if len(self.rest) > MOST_LINE_BYTES:
            self.rest, self.is_passing = b"", True
            self.passed_over += 1


def take_lines(lines, camera, trouble):
    for line in lines:
        try:
            record = json.loads(line)
            camera.take(record)
            trouble.is_over()
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            trouble.failed("a line is no record of a run; set json = yes in rarebit.conf")


def listen(path, camera, stop):
    """Until `stop` (a socket) becomes readable."""
    away, odd = Trouble(f"unix:{path}"), Trouble(f"records of unix:{path}")
    with selectors.DefaultSelector() as selector:
        selector.register(stop, selectors.EVENT_READ)
        while True:
            with socket.socket(socket.AF_UNIX) as stream:
                try:
                    stream.connect(path)
                except OSError as error:
                    away.failed(error.strerror or str(error))
                    if selector.select(RETRY_S):
                        return
                    continue
                away.is_over()
                camera.connected(True)
                selector.register(stream, selectors.EVENT_READ)
                lines = Lines()
                while True:
                    ready = {key.fileobj for key, _ in selector.select(RETRY_S / 2)}
                    if stop in ready:
                        return
                    camera.turn()
                    if stream in ready:
                        try:
                            piece = stream.recv(1 << 16)
                        except OSError:
                            piece = b""
                        if not piece:
                            break
                        take_lines(lines.take(piece), camera, odd)
                        if lines.passed_over:
                            odd.failed(f"a line has more than {MOST_LINE_BYTES} bytes")
                            lines.passed_over = 0
                selector.unregister(stream)
            away.failed("the camera's program ended the connection")
            camera.connected(False)
            if selector.select(RETRY_S / 4):
                return
