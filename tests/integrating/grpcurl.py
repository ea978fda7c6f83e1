#!/usr/bin/env python3
"""Makes one unary call over gRPC, as grpcurl does with the same arguments: what the examples run where it is not installed.

    grpcurl.py [-plaintext] [-import-path DIR]… -proto FILE [-H 'name: value']… [-d JSON] HOST:PORT SERVICE/METHOD

The message is JSON of proto3, and so is what is printed. Ends with 1 and says the code when the call is refused.
"""

import argparse
import sys
import tempfile
from importlib import resources
from pathlib import Path

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
    from grpc_tools import protoc
except ImportError as missing:
    sys.exit(f"{missing}; script/setup test installs it into target/venv")

# Long enough for a suite in an unoptimised build on a busy machine.
LIMIT = 30


def arguments():
    parser = argparse.ArgumentParser(prog="grpcurl.py", description=__doc__, allow_abbrev=False)
    parser.add_argument("-plaintext", action="store_true")
    parser.add_argument("-import-path", action="append", dest="paths", default=[])
    parser.add_argument("-proto", action="append", required=True)
    parser.add_argument("-H", action="append", dest="headers", default=[])
    parser.add_argument("-d", dest="data", default="{}")
    parser.add_argument("address")
    parser.add_argument("method")
    return parser.parse_args()


def contracts(paths, files):
    """Every message and service of the files and of what they import."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        known = [f"-I{path}" for path in [*paths, str(resources.files("grpc_tools") / "_proto")]]
        if protoc.main(["protoc", *known, f"--descriptor_set_out={out}", "--include_imports", *files]) != 0:
            sys.exit("the contracts could not be read")
        found = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in found.file:
        pool.Add(file)
    return pool


def main():
    asked = arguments()
    pool = contracts(asked.paths, asked.proto)
    service, _, name = asked.method.rpartition("/")
    try:
        method = pool.FindServiceByName(service).methods_by_name[name]
    except KeyError:
        sys.exit(f"no method {asked.method}")
    of = message_factory.GetMessageClass
    message = json_format.Parse(asked.data, of(method.input_type)(), descriptor_pool=pool)
    metadata = [tuple(part.strip() for part in header.split(":", 1)) for header in asked.headers]
    secure = grpc.ssl_channel_credentials()
    with grpc.insecure_channel(asked.address) if asked.plaintext else grpc.secure_channel(asked.address, secure) as channel:
        call = channel.unary_unary(
            f"/{service}/{name}",
            request_serializer=lambda it: it.SerializeToString(),
            response_deserializer=of(method.output_type).FromString,
        )
        try:
            answer = call(message, metadata=[(key.lower(), value) for key, value in metadata], timeout=LIMIT)
        except grpc.RpcError as refused:
            sys.exit(f"Code: {refused.code().name}\nMessage: {refused.details()}")
    print(json_format.MessageToJson(answer, descriptor_pool=pool, always_print_fields_with_no_presence=True))


if __name__ == "__main__":
    main()
