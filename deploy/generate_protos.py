"""Generates `gen/` from `protos/`: messages, gRPC stubs and their types.

`--check` generates into a temporary folder and compares, so that committed code never drifts from its protos.
"""

import filecmp
import os
import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
GENERATED = ROOT / "gen"
#: Vendored for buf and for clients in other languages; Python has them from packages of their own.
_PACKAGED = "google/"


def generate(target: Path) -> None:
    """Writes the code of every proto below `target`. Raises RuntimeError when protoc refuses one."""
    found = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
    sources = [source for source in found if not source.startswith(_PACKAGED)]
    include = Path(protoc.__file__).parent / "_proto"
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    arguments = [
        "protoc",
        f"-I{PROTOS}",
        f"-I{include}",
        f"--python_out={target}",
        f"--mypy_out=quiet,readable_stubs:{target}",
    ]
    services = [source for source in sources if source.endswith("_service.proto")]
    if protoc.main([*arguments, *sources]) != 0:
        raise RuntimeError("protoc refused a message")
    stubs = [f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}"]
    if protoc.main([*arguments[:3], *stubs, *services]) != 0:
        raise RuntimeError("protoc refused a service")
    for folder in (path for path in target.rglob("*") if path.is_dir()):
        (folder / "__init__.py").touch()


def differences(left: Path, right: Path) -> list[str]:
    """Relative paths that are missing on one side or differ."""

    def files(root: Path) -> set[str]:
        found = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {str(path.relative_to(root)) for path in found}

    both = files(left) & files(right)
    changed = {name for name in both if not filecmp.cmp(left / name, right / name, shallow=False)}
    return sorted(changed | (files(left) ^ files(right)))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        if "--check" in sys.argv[1:]:
            stale = differences(fresh, GENERATED)
            if stale:
                print("gen/ is not what protos/ says; run `make proto`:", *stale, sep="\n  ", file=sys.stderr)
            return 1 if stale else 0
        shutil.rmtree(GENERATED, ignore_errors=True)
        shutil.copytree(fresh, GENERATED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
