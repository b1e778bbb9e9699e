"""Generate `shared/laurel` (messages, stubs, types) from the contracts in this folder.

`python protos/generate.py` writes everything; `python protos/generate.py ledger program` only those
packages; `--into DIR` writes elsewhere, which is how the freshness test compares. Descriptors of
foreign contracts (buf.validate, google.longrunning) are taken from the installed packages, so
nothing is vendored.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from google.longrunning import operations_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FileDescriptor

ROOT = Path(__file__).resolve().parent
OUTPUT = ROOT.parent / "shared"
HEADER = '"""Generated from protos/ by `make protos`; do not edit."""\n'
GRPC_VERSION = "1.85.0"
VALIDATE = "buf/validate/validate.proto"


def main() -> None:
    """Read the command line and generate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", help="for example: ledger program (default: all)")
    parser.add_argument("--into", type=Path, default=OUTPUT)
    parser.add_argument("--image", type=Path, help="write a descriptor image for buf and stop")
    arguments = parser.parse_args()
    sources = contracts(arguments.packages)
    if arguments.image:
        write_image(arguments.image, sources)
    else:
        generate(into=arguments.into, sources=sources)


def contracts(packages: list[str] | None = None) -> list[str]:
    """Every contract file of the named packages, as protoc names it."""
    files = sorted(path.relative_to(ROOT) for path in ROOT.glob("laurel/*/v1/*.proto"))
    return [str(file) for file in files if not packages or file.parts[1] in packages]


def generate(*, into: Path, sources: list[str]) -> None:
    """Write messages, service stubs and types for `sources` below `into`."""
    check_versions()
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        dependencies = Path(scratch) / "dependencies.binpb"
        dependencies.write_bytes(foreign_descriptors())
        run_protoc(
            dependencies,
            f"--python_out={into}",
            f"--grpc_python_out={into}",
            f"--mypy_out=quiet:{into}",
            f"--mypy_grpc_out=quiet:{into}",
            *sources,
        )
        run_protoc(dependencies, f"--python_out={into}", f"--mypy_out=quiet:{into}", VALIDATE)
    drop_empty_services(into, sources)
    mark_packages(into)


def write_image(path: Path, sources: list[str]) -> None:
    """Write a descriptor image with comments, the input of `buf lint` and `buf breaking`."""
    with tempfile.TemporaryDirectory() as scratch:
        dependencies = Path(scratch) / "dependencies.binpb"
        dependencies.write_bytes(foreign_descriptors())
        run_protoc(
            dependencies,
            f"--descriptor_set_out={path}",
            "--include_imports",
            "--include_source_info",
            *sources,
        )


def run_protoc(dependencies: Path, *arguments: str) -> None:
    """Run protoc over this folder; a fault of a contract ends the program with its own text."""
    scripts = sysconfig.get_path("scripts")
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"--plugin=protoc-gen-mypy={scripts}/protoc-gen-mypy",
        f"--plugin=protoc-gen-mypy_grpc={scripts}/protoc-gen-mypy_grpc",
        f"--descriptor_set_in={dependencies}",
        f"--proto_path={ROOT}",
        *arguments,
    ]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        sys.exit(finished.stdout + finished.stderr)


def foreign_descriptors() -> bytes:
    """The descriptors of contracts that are not ours, each after what it imports."""
    from google.rpc import error_details_pb2, status_pb2
    from google.type import date_pb2, money_pb2

    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for module in (operations_pb2, status_pb2, error_details_pb2, money_pb2, date_pb2):
        collect(module.DESCRIPTOR, files)
    files[VALIDATE] = validate_descriptor()
    return descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString()


def collect(file: FileDescriptor, files: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
    """Add `file` and, before it, everything it imports."""
    if file.name in files:
        return
    for imported in file.dependencies:
        collect(imported, files)
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    files[file.name] = proto


def validate_descriptor() -> descriptor_pb2.FileDescriptorProto:
    """buf/validate/validate.proto as the installed protovalidate knows it."""
    from protovalidate._gen.buf.validate import validate_pb

    return descriptor_pb2.FileDescriptorProto.FromString(
        validate_pb.desc().proto.to_binary()  # the wheel ships no .proto file
    )


def drop_empty_services(into: Path, sources: list[str]) -> None:
    """The plug-ins write a stub file for every contract; keep those of contracts with a service."""
    for source in sources:
        if "\nservice " not in (ROOT / source).read_text():
            for suffix in ("_pb2_grpc.py", "_pb2_grpc.pyi"):
                (into / source.replace(".proto", suffix)).unlink(missing_ok=True)


def mark_packages(into: Path) -> None:
    """Make every generated folder an importable, typed package."""
    for top in (into / "laurel", into / "buf"):
        for folder in [top, *(path for path in top.rglob("*") if path.is_dir())]:
            if folder.name != "__pycache__":
                (folder / "__init__.py").write_text(HEADER)
        (top / "py.typed").write_text("")


def check_versions() -> None:
    """Generated stubs refuse an older runtime, so only one version may write them."""
    installed = importlib.metadata.version("grpcio-tools")
    if installed != GRPC_VERSION:
        sys.exit(
            f"grpcio-tools {installed} is installed; "
            f"these contracts are generated with {GRPC_VERSION}"
        )


if __name__ == "__main__":
    main()
