"""What `rarebit --help` and `rarebit COMMAND --help` say, taken apart: the option table of the program is the one place where
options are described, and manual pages and completions follow it."""

import re
import subprocess
from dataclasses import dataclass, field


@dataclass
class Option:
    name: str  # "--alpha"
    value: str  # "A"; empty for a flag
    text: str


@dataclass
class Command:
    name: str
    summary: str
    usage: str
    text: str
    options: list[Option] = field(default_factory=list)


def said(program, *arguments):
    return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def commands_of(program):
    """Every command with its options, in the order of the help."""
    commands = []
    # "       rarebit bench MODEL.rbit           how fast a model runs here"
    for name, summary in re.findall(r"rarebit ([a-z]+) .*?  +(\S.*)$", said(program, "--help"), re.MULTILINE):
        commands.append(command_of(program, name, summary))
    if not commands:
        raise SystemExit("help: rarebit --help names no commands")
    return commands


def command_of(program, name, summary):
    usage, *parts = said(program, name, "--help").strip().split("\n\n")
    # Options are the paragraph whose lines begin with two spaces; the text before it explains the command.
    options = next((part for part in parts if part.startswith("  --")), "")
    text = "\n".join(part for part in parts if part != options)
    command = Command(name, summary, usage.removeprefix("usage: "), text)
    for line in options.split("\n"):
        found = re.match(r"  (--[a-z0-9-]+)(?: (\S+))? {2,}(\S.*)$", line)
        if found:
            command.options.append(Option(found[1], found[2] or "", found[3]))
        elif command.options:
            command.options[-1].text += " " + line.strip()
    return command
