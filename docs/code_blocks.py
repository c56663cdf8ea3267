"""A plugin of pytest that runs the code blocks of a page from top to bottom, in a folder of their own for each.

Blocks of Python share the names that they define. In blocks called `console`, a line after `$` is a command, and the
lines that follow are what it prints: `...` stands for anything, and numbers agree to a hundredth.
"""

import functools
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

ROOT = pathlib.Path(__file__).parents[1]
# Where the libraries are installed, they are found before.
sys.path.append(str(ROOT / "docs" / "stand_ins"))
NUMBER = r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
TOKENS = re.compile(rf"(?P<anything>\.\.\.)|(?P<space>\s+)|(?P<number>{NUMBER})|(?P<text>.)", re.DOTALL)
WILDCARDS = {"anything": ".*?", "space": r"\s+", "number": f"({NUMBER})"}


def pattern(expected):
    """A regular expression for printed text, with a group for each number, and these numbers."""
    parts, numbers = [], []
    for token in TOKENS.finditer(expected):
        if token["number"]:
            numbers.append(float(token["number"]))
        parts.append(WILDCARDS.get(token.lastgroup) or re.escape(token[0]))
    return re.compile("".join(parts), re.DOTALL), numbers


def check_console(example: Example):
    """Runs the commands of a block; returns what is wrong with the first that does not print what it should."""
    for block in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        command, _, expected = block.partition("\n")
        finished = subprocess.run(command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        printed, failed = finished.stdout.strip(), finished.returncode != 0
        expression, numbers = pattern(expected.strip())
        match = expression.fullmatch(printed)
        found = map(float, match.groups()) if match else []
        agree = match and all(map(functools.partial(math.isclose, rel_tol=0.01), found, numbers))
        if not agree or failed != expected.startswith("error: "):
            return f"`{command}` ended with {finished.returncode} and printed\n{printed}\ninstead of\n{expected}"
    return None


def setup(namespace):
    """The names of the repository's folders are there; what the commands write goes away."""
    namespace["folder"] = tempfile.TemporaryDirectory()
    namespace["home"] = os.getcwd()
    os.chdir(namespace["folder"].name)
    for name in ("data", "examples"):
        os.symlink(ROOT / name, name)


def teardown(namespace):
    os.chdir(namespace["home"])
    namespace["folder"].cleanup()


pytest_collect_file = Sybil(
    path=str(ROOT),
    parsers=[PythonCodeBlockParser(), CodeBlockParser(language="console", evaluator=check_console)],
    patterns=["*.md"],
    setup=setup,
    teardown=teardown,
).pytest()
