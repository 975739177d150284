"""The SOAP stacks that vendors use, each with its sample of docs/clients as a program of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml import etree

from demo.vendor_files import as_object

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = ROOT / "docs" / "clients"
_MOST_SECONDS: Final = 120


@dataclass(frozen=True)
class Told:
    """What a sample printed: a name and a value on each line."""

    facts: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> str:
        return next(value for fact, value in self.facts if fact == name)

    def about(self, document_id: str) -> Told:
        """What it told of one of several documents."""
        start = self.facts.index(("DocumentId", document_id))
        rest = self.facts[start + 1 :]
        end = next((number for number, fact in enumerate(rest) if fact[0] == "DocumentId"), len(rest))
        return Told(rest[:end])


def told_in(text: str) -> Told:
    """What stands in the output of a sample; lines of another form are somebody else's."""
    pairs = (line.partition(": ") for line in text.splitlines())
    return Told(tuple((name, value) for name, separator, value in pairs if separator))


@dataclass(frozen=True)
class Stack:
    """A stack: the command of its sample, and in which ways it can send attachments, by version of SOAP."""

    name: str
    command: tuple[str, ...]
    attachments: Mapping[str, frozenset[str]]
    environment: Mapping[str, str]
    takes_json: bool = False

    def run(self, settings: Path, *arguments: str | Path, status: int = 0) -> Told:
        """Run the sample, which must end with this status."""
        return told_in(
            run([*self.command, settings, *arguments], environment=self.environment, status=status)
        )

    def typed(self, document: etree._Element, folder: Path) -> Path:
        """A file with the document as the sample takes it."""
        file = folder / f"{document.findtext('{*}Header/{*}DocumentId')}.typed"
        if self.takes_json:
            file.write_text(json.dumps(as_object(document), ensure_ascii=False), "utf-8")
        else:
            file.write_bytes(etree.tostring(document, encoding="UTF-8"))
        return file


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    most: int = _MOST_SECONDS,
    status: int = 0,
) -> str:
    """What a command prints; if it ends with another status, the test fails."""
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=most,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert ended.returncode == status, f"{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"
    return ended.stdout


def require_tools(*names: str) -> None:
    """Fail the test where a tool is missing; `tests/interop/install` says what belongs on the machine."""
    missing = [name for name in names if shutil.which(name) is None]
    assert not missing, f"{', '.join(missing)}: missing. Run tests/interop/install"


def zeep() -> Stack:
    """zeep, as the demonstration uses it."""
    sample = SAMPLES / "zeep" / "sample.py"
    return Stack(
        "zeep",
        (sys.executable, str(sample)),
        {"Soap11": frozenset({"inline"}), "Soap12": frozenset({"inline"})},
        {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
    )


def node() -> Stack:
    """node soap, installed from its lock file."""
    require_tools("node", "npm")
    folder = SAMPLES / "node"
    run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, most=300)
    return Stack(
        "node",
        ("node", str(folder / "sample.mjs")),
        {"Soap11": frozenset({"inline", "mtom"}), "Soap12": frozenset({"inline"})},
        {"NODE_OPTIONS": "--no-deprecation"},
        takes_json=True,
    )


def cxf(wsdls: Mapping[str, str], trusted: Path, password: str) -> Stack:
    """Apache CXF: what wsdl2java makes of the WSDLs at these addresses, and the sample, compiled afresh."""
    require_tools("mvn", "java", "javac")
    folder = SAMPLES / "cxf"
    shutil.rmtree(folder / "target", ignore_errors=True)
    defined = [f"-D{service}.wsdl={address}" for service, address in wsdls.items()]
    run(["mvn", "--quiet", "--batch-mode", "--file", folder / "pom.xml", *defined, "compile"], most=600)
    class_path = (folder / "target" / "class-path").read_text("utf-8")
    every = frozenset({"inline", "mtom", "swa"})
    return Stack(
        "cxf",
        (
            "java",
            "-XX:TieredStopAtLevel=1",  # it runs for seconds
            f"-Djavax.net.ssl.trustStore={trusted}",
            f"-Djavax.net.ssl.trustStorePassword={password}",
            "-classpath",
            f"{folder / 'target' / 'classes'}:{class_path}",
            "dk.bropost.sample.Sample",
        ),
        {"Soap11": every, "Soap12": every},
        {},
    )


def dotnet(wsdl: str, folder: Path) -> Stack:
    """The .NET sample with the classes that the tool `wsdl` makes, compiled and run by Mono."""
    require_tools("mono", "mcs", "wsdl")
    generated, program = folder / "Generated.cs", folder / "sample.exe"
    run(["wsdl", "-namespace:Dk.Bropost.Sample", f"-out:{generated}", wsdl])
    libraries = (
        "System.Runtime.Serialization",
        "System.Security",
        "System.Web.Services",
        "System.Xml",
        "System.ServiceModel",
        "System.IdentityModel",
    )
    sources = sorted((SAMPLES / "dotnet").glob("*.cs"))
    compiler = ["mcs", "-langversion:7", "-target:exe", "-warnaserror+", "-nowarn:1591", f"-out:{program}"]
    run([*compiler, *(f"-r:{name}" for name in libraries), generated, *sources])
    both = frozenset({"inline", "mtom"})
    return Stack("dotnet", ("mono", str(program)), {"Soap11": both, "Soap12": both}, {})
