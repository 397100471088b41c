"""rarebit-bridge [--config FILE] [--check]: what a camera of rarebit sees, told over MQTT, with Home Assistant's discovery.

Reads the answers' socket of `rarebit run`; publishes the answer, what is wrong and pictures; sets alpha and threshold through the
camera's page; calls an address or starts a program when a class is seen. FILE is /etc/rarebit/bridge.conf unless given. --check
reads it, says what is wrong, and ends.
"""

import argparse
import math
import queue
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from actions import Calling, Starting
from answers import Camera, listen
from broker import Broker
from entities import NUMBERS, Topics, entity_messages
from log import Trouble, tell
from page import Page, PageError
from settings import SettingsError, read_settings

POLL_S = 10  # the page itself changes settings, too


class PageWorker:
    """Asks the page, in a thread of its own."""

    def __init__(self, settings, broker, topics):
        self.page, self.broker, self.topics = Page(settings.page, settings.token), broker, topics
        self.period = settings.snapshot
        self.tasks = queue.Queue(64)
        self.trouble = Trouble(f"page {settings.page}")
        self.wants_picture = threading.Event()

    def start(self):
        threading.Thread(target=self.work, daemon=True).start()

    def seen(self):
        if self.period == 0 and not self.wants_picture.is_set():
            self.wants_picture.set()
            self.add(self.show)

    def add(self, task):
        try:
            self.tasks.put_nowait(task)
        except queue.Full:
            self.trouble.failed("it takes too long to answer: what was asked for now is not done")

    def set(self, key, payload):
        """What a client of the broker sent; ranges are the page's own to check."""
        try:
            value = float(payload)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            tell(f"{key}: '{payload[:40].decode(errors='replace')}' is no number")
            self.add(self.tell_settings)
        else:
            self.add(lambda: self.tell_settings({key: f"{value:.6g}"}))

    def tell_settings(self, form=None):
        try:
            self.broker.state(self.topics.of("settings"), self.page.settings(form))
        except PageError as error:
            if not form:
                raise
            tell(f"page: {', '.join(f'{key}={value}' for key, value in form.items())} is refused: {error}")
            # Whoever moved a slider sees it go back.
            self.broker.state(self.topics.of("settings"), self.page.settings())

    def show(self):
        self.wants_picture.clear()
        self.broker.state(self.topics.of("snapshot"), self.page.snapshot())

    def work(self):
        polled = shown = -math.inf
        while True:
            now = time.monotonic()
            if now - polled >= POLL_S:
                polled = now
                self.perform(self.tell_settings)
            if self.period and now - shown >= self.period:
                shown = now
                self.perform(self.show)
            try:
                self.perform(self.tasks.get(timeout=0.5))
            except queue.Empty:
                continue

    def perform(self, task):
        try:
            task()
            self.trouble.is_over()
        except PageError as error:
            self.trouble.failed(str(error))


class Bridge:
    def __init__(self, settings):
        self.settings, self.topics = settings, Topics(settings)
        self.commands = {self.topics.setting(key): key for key in NUMBERS} if settings.page else {}
        self.birth = f"{settings.discovery}/status" if settings.discovery else None
        subscribe = [*self.commands, *([self.birth] if self.birth else [])]
        self.broker = Broker(settings, self.topics.of("bridge"), subscribe, self.on_message)
        self.page = PageWorker(settings, self.broker, self.topics) if settings.page else None
        self.actions = []
        if settings.webhook:
            self.actions.append(Calling(settings.webhook))
        if settings.program:
            self.actions.append(Starting(settings.program, settings.program_limit))
        self.camera = Camera(
            lambda name, value: self.broker.state(self.topics.of(name), value), self.on_seen, settings.every, settings.silent)

    def on_message(self, topic, payload):
        if topic == self.birth:
            # Home Assistant has started, and knows what is retained; it asks for the rest so.
            if payload == b"online":
                self.broker.tell_again()
        elif self.page:
            self.page.set(self.commands[topic], payload)

    def on_seen(self, record):
        event = {key: record[key] for key in ("name", "class", "probability", "frame", "time")}
        self.broker.event(self.topics.of("seen"), {"event_type": "seen", **event})
        self.broker.state(self.topics.of("last_seen"), event)
        if self.page:
            self.page.seen()
        for action in self.actions:
            action.add(event)

    def run(self, stop):
        if self.settings.discovery:
            for topic, message in entity_messages(self.settings).items():
                self.broker.state(topic, message)
        self.camera.tell_problem()
        self.camera.tell_availability()
        self.broker.start()
        if self.page:
            self.page.start()
        listen(self.settings.answers, self.camera, stop)
        for action in self.actions:
            action.stop()
        self.broker.stop()


def main():
    parser = argparse.ArgumentParser(
        prog="rarebit-bridge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("/etc/rarebit/bridge.conf"), metavar="FILE")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    try:
        settings = read_settings(arguments.config)
    except SettingsError as error:
        for line in str(error).splitlines():
            tell(line)
        sys.exit(2)
    if arguments.check:
        return
    stop, wake = socket.socketpair()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: wake.send(b"\0"))
    Bridge(settings).run(stop)


main()
