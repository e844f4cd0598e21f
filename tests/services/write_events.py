"""Write event files: with TensorBoard's own writer where it is installed, which is what torch's SummaryWriter uses.

    python write_events.py FOLDER COUNT PAUSE [plain]

`plain` needs nothing but the standard library.
"""

from __future__ import annotations

import os
import struct
import sys
import time


def real(folder: str, count: int, pause: float) -> None:
    import numpy as np
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util.tensor_util import make_tensor_proto

    def scalars(first: bool) -> SummaryMetadata | None:
        return SummaryMetadata(plugin_data={"plugin_name": "scalars"}) if first else None

    writer = EventFileWriter(folder)
    for step in range(count):
        values = [Summary.Value(tag="old/loss", simple_value=1 / (step + 1))]
        for kind in ("float32", "float64", "int32", "int64", "float16"):
            tensor = make_tensor_proto(np.array(step + 0.5).astype(kind))
            values.append(Summary.Value(tag=f"new/{kind}", tensor=tensor, metadata=scalars(step == 0)))
        listed = make_tensor_proto(np.array(0.0, "float32"))
        listed.ClearField("tensor_content")
        listed.ClearField("float_val")
        listed.float_val.append(step * 2)
        values.append(Summary.Value(tag="new/listed", tensor=listed, metadata=scalars(True)))
        values.append(Summary.Value(tag="histogram", histo=HistogramProto(num=3)))
        text = make_tensor_proto(np.array(["words"], object))
        values.append(
            Summary.Value(tag="text", tensor=text, metadata=SummaryMetadata(plugin_data={"plugin_name": "text"}))
        )
        if step == 1:
            values.append(Summary.Value(tag="picture", image={"encoded_image_string": os.urandom(2_000_000)}))
        writer.add_event(Event(wall_time=1.7e9 + step, step=step - 1, summary=Summary(value=values)))
        time.sleep(pause)
    writer.add_event(
        Event(wall_time=1.7e9, step=9, summary=Summary(value=[Summary.Value(tag="odd", simple_value=float("nan"))]))
    )
    writer.close()


def plain(folder: str, count: int, pause: float) -> None:
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"events.out.tfevents.1.host.{os.getpid()}"), "wb", buffering=0) as file:
        for step in range(count):
            file.write(frame(event("loss", 1.0 / (step + 1), step)))
            time.sleep(pause)


def event(tag: str, value: float, step: int) -> bytes:
    name = tag.encode()
    inner = b"\x0a" + varint(len(name)) + name + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + varint(len(inner)) + inner
    return b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + varint(step) + b"\x2a" + varint(len(summary)) + summary


def varint(number: int) -> bytes:
    number &= 2**64 - 1
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def frame(body: bytes) -> bytes:
    length = struct.pack("<Q", len(body))
    return length + masked(length) + body + masked(body)


def masked(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


if __name__ == "__main__":
    (plain if "plain" in sys.argv else real)(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
