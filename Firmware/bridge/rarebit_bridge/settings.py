"""The bridge's settings: a file of lines "key = value", like the camera service's own."""

import configparser
import math
import re
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

BROKER_PORTS = {"mqtt": 1883, "mqtts": 8883}


class SettingsError(Exception):
    """All that is wrong with a file, a line each."""


@dataclass
class Settings:
    broker_host: str
    broker_port: int
    broker_is_encrypted: bool
    user: str | None
    password: str | None
    identifier: str  # in topics and in Home Assistant's identifiers: letters, digits, - and _
    name: str  # as people read it
    answers: str  # path of the socket
    page: str | None  # address without a final slash; None: no pictures, and nothing to set
    token: str | None
    topic: str  # what all topics of the bridge begin with
    discovery: str | None  # what Home Assistant's begin with; None: it is told nothing
    every: float  # seconds, at least, between two states that name the same class
    silent: float  # seconds without a record after which the camera counts as away
    snapshot: float | None  # seconds between two pictures; 0: one for each "seen"; None: none
    keep: int  # events that wait for a broker that is away
    webhook: str | None
    program: tuple[str, ...]  # empty: none
    program_limit: float  # seconds


def own_name():
    """The machine's name, as far as a topic may hold it."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname().split(".")[0]) or "camera"


class Reader:
    """Takes keys out of a file's section, and gathers what is wrong with them."""

    def __init__(self, path):
        self.path, self.faults = path, []
        parser = configparser.ConfigParser(
            interpolation=None, delimiters=("=",), comment_prefixes=("#",), empty_lines_in_values=False)
        try:
            parser.read_string("[bridge]\n" + path.read_text(encoding="utf-8"), source=str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: cannot be read: {error}") from error
        except configparser.Error as error:
            # The section in front of the file is a line that it does not have.
            where = getattr(error, "lineno", None) or (error.errors[0][0] if getattr(error, "errors", None) else None)
            place = f"{path}:{where - 1}" if where else str(path)
            raise SettingsError(f"{place}: lines are \"key = value\", each key once, and # starts a comment") from error
        self.values = dict(parser["bridge"])
        for section in parser.sections():
            if section != "bridge":
                self.fault(section, "there are no sections")

    def fault(self, key, what):
        self.faults.append(f"{self.path}: {key}: {what}")

    def text(self, key, default=None, pattern=".+", what="a text is needed"):
        value = self.values.pop(key, default)
        if value is not None and not re.fullmatch(pattern, value):
            self.fault(key, f"'{value}': {what}")
        return value

    def number(self, key, default, least, most):
        value = self.values.pop(key, None)
        try:
            number = float(default if value is None else value)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            self.fault(key, f"'{value}': a number from {least:g} to {most:g} is needed")
        return number

    def line(self, key):
        """What the file that a key names holds: one line."""
        path = self.values.pop(key, None)
        if path is None:
            return None
        try:
            text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            self.fault(key, f"{path} cannot be read: {error}")
            return None
        if not text or not text.isprintable():
            self.fault(key, f"{path} is to hold one line, and nothing else")
        return text

    def address(self, key, schemes, default=None):
        """A URL's parts; None where none is set or it is none."""
        value = self.values.pop(key, default)
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            is_whole = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_whole = False
        if not is_whole:
            self.fault(key, f"'{value}': {' or '.join(f'{scheme}://HOST[:PORT]' for scheme in schemes)} is needed")
            return None
        if parts.username is not None:
            self.fault(key, "names and passwords do not stand in addresses here; see bridge.conf")
        return parts

    def snapshot(self):
        value = self.values.get("snapshot", "seen")
        if value in ("seen", "no"):
            self.values.pop("snapshot", None)
            return 0.0 if value == "seen" else None
        return self.number("snapshot", None, 1, 86400)

    def command(self, key):
        value = self.values.pop(key, "")
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            self.fault(key, f"'{value}': {error}")
            return ()


def read_settings(path):
    """Raises SettingsError, with all of a file's faults at once."""
    reader = Reader(path)
    if "broker" not in reader.values:
        reader.fault("broker", "is missing; such as mqtt://127.0.0.1")
    broker = reader.address("broker", tuple(BROKER_PORTS), "mqtt://127.0.0.1")
    page = reader.address("page", ("http", "https"))
    webhook = reader.values.get("webhook")
    reader.address("webhook", ("http", "https"))
    level = r"[^#+/\x00-\x1f]+"  # of a topic
    topic = {"pattern": rf"{level}(/{level})*", "what": "a topic has no #, + or empty level"}
    discovery = reader.text("discovery", "homeassistant", **topic)
    settings = Settings(
        broker_host=broker.hostname if broker else "",
        broker_port=(broker.port or BROKER_PORTS[broker.scheme]) if broker else 0,
        broker_is_encrypted=broker is not None and broker.scheme == "mqtts",
        user=reader.text("user"),
        password=reader.line("password-file"),
        identifier=reader.text("id", own_name(), r"[A-Za-z0-9_-]{1,64}", "letters, digits, - and _, at most 64"),
        name=reader.text("name", own_name()),
        answers=reader.text("answers", "unix:/run/rarebit/answers.sock", "unix:.+", "unix:PATH is needed")
        .removeprefix("unix:"),
        page=page.geturl().rstrip("/") if page else None,
        token=reader.line("token-file"),
        topic=reader.text("topic", "rarebit", **topic),
        discovery=None if discovery == "no" else discovery,
        every=reader.number("every", 1, 0.1, 3600),
        silent=reader.number("silent", 30, 1, 86400),
        snapshot=reader.snapshot(),
        keep=int(reader.number("keep", 1000, 1, 60000)),
        webhook=webhook,
        program=reader.command("program"),
        program_limit=reader.number("program-limit", 30, 1, 3600),
    )
    for key in reader.values:
        reader.fault(key, "there is no such setting")
    if settings.password and not settings.user:
        reader.fault("password-file", "needs user too")
    if settings.token and not settings.page:
        reader.fault("token-file", "needs page too")
    if reader.faults:
        raise SettingsError("\n".join(reader.faults))
    return settings
