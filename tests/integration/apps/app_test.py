"""What the tests of rt-train and rt-eval share: small data, processes, and readers of what a run leaves behind."""

import gzip
import json
import os
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ["RT_BIN"])
WORKER = os.environ.get("RT_WORKER", "none")

# 300 images in batches of 128: the third batch of an epoch is incomplete.
SMALL_RUN = """\
seed: 3
model:
  type: Sequential
  layers:
    - Flatten
    - {type: Linear, in_features: 784, out_features: 16}
    - ReLU
    - {type: Dropout, p: 0.2}
    - {type: Linear, in_features: 16, out_features: 10}
loss: CrossEntropyLoss
data: {type: FashionMNIST, path: DATA, batch_size: 128}
optimizer: {type: AdamW, lr: 0.001}
trainer: {epochs: 3, log_every_steps: 1}
"""


def write_idx(path, shape, values):
    with gzip.GzipFile(path, "wb", mtime=0) as file:
        file.write(struct.pack(">BBBB", 0, 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape) + bytes(values))


def write_small_data(folder):
    """Images whose label is the row that is bright."""
    folder.mkdir()
    for part, count in (("train", 300), ("t10k", 60)):
        labels = [i * 7 % 10 for i in range(count)]
        images = bytearray()
        for i, label in enumerate(labels):
            image = bytearray((i * 31 + k * 17) % 64 for k in range(784))
            image[label * 56 : label * 56 + 56] = b"\xf0" * 56
            images += image
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", (count, 28, 28), images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", (count,), labels)


def read_safetensors_header(path):
    content = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length])


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err


class AppTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.data = self.folder / "data"
        write_small_data(self.data)

    def config(self, text=SMALL_RUN, name="small.yaml"):
        path = self.folder / name
        path.write_text(text.replace("DATA", str(self.data)))
        return path

    def start(self, program, *arguments, worker=WORKER, **popen):
        command = [str(BIN / program), *map(str, arguments)]
        if worker is not None:
            command += ["--worker", worker]
        process = subprocess.Popen(command, cwd=self.folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **popen)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def finish(self, process, code=0, timeout=120):
        out, err = process.communicate(timeout=timeout)
        self.assertEqual(process.returncode, code, f"\n--- stdout\n{out}\n--- stderr\n{err}")
        return Result(process.returncode, out, err)

    def app(self, program, *arguments, code=0, worker=WORKER):
        """Runs a program to its end, which must be with this exit code."""
        return self.finish(self.start(program, *arguments, worker=worker), code)

    def train(self, *arguments, code=0, worker=WORKER):
        return self.app("rt-train", *arguments, code=code, worker=worker)

    def wait_for(self, condition, what, process=None, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            if process is not None and process.poll() is not None:
                out, err = process.communicate()
                self.fail(f"ended with {process.returncode} before {what}\n{out}\n{err}")
            self.assertLess(time.monotonic(), deadline, f"waited {seconds} s for {what}")
            time.sleep(0.01)

    @staticmethod
    def summary(run):
        return json.loads((Path(run) / "summary.json").read_text())

    @staticmethod
    def log(run):
        return [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]

    def assert_same_run(self, a, b):
        """The same weights, optimizer state and logs, to the last bit."""
        for name in ("model.safetensors", "train_state.safetensors"):
            part = Path("checkpoints") / "last" / name
            self.assertEqual((Path(a) / part).read_bytes(), (Path(b) / part).read_bytes(), name)
        self.assertEqual((Path(a) / "metrics.jsonl").read_text(), (Path(b) / "metrics.jsonl").read_text())
