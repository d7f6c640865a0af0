#!/usr/bin/env python3
"""Runs PyTorch's own operator database (op_db, in the torch wheel) on the remote device and compares it with the CPU.

Values, strides, dtypes, what outs become and first-order gradients, each dtype in turn, through a real rt-worker or an
embedded one. Ops run in child processes that may crash or hang: that is a failure of the op alone. Exit code 1 when an
op fails.

usage: op_db.py --library build/lib/libremotetorch.so [--worker build/bin/rt-worker] [--dtypes float32,int64]
                [--ops REGEX] [--samples N] [--every N] [--offset N] [--jobs N] [--report FILE]
"""

import argparse
import atexit
import collections
import json
import os
import pathlib
import queue
import re
import selectors
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
GRADIENTS = {"float32"}
DTYPES = "float32,float64,int64,bool,bfloat16,complex64"
CASE_SECONDS = 120
START_SECONDS = 120


class Worker:
    """An rt-worker of one child's own, or none where the child embeds it."""

    def __init__(self, program, folder, name):
        self.address = "embedded"
        self.process = None
        if program:
            socket = folder / f"{name}.sock"
            self.address = f"unix:{socket}"
            self.process = subprocess.Popen([program, "--listen", self.address, "--threads", "1", "--device", "cpu"],
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            atexit.register(self.stop)  # also where this program ends by an error
            deadline = time.monotonic() + START_SECONDS
            while not socket.exists():
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"op_db: {program} did not start")
                time.sleep(0.02)

    @property
    def is_alive(self):
        return self.process is None or self.process.poll() is None

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()


class Child:
    """A process that runs cases; see child.py."""

    def __init__(self, library, worker):
        environment = {**os.environ, "REMOTE_WORKERS": worker.address, "OMP_NUM_THREADS": "1"}
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([sys.executable, HERE / "child.py", library], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors, env=environment)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.database = self.read(START_SECONDS)
        if self.database is None:
            raise SystemExit("op_db: the process that runs the ops did not start:\n" + self.last_words())

    def read(self, seconds):
        """The next answer; None when there is none."""
        if not self.selector.select(seconds):
            self.process.kill()
            return None
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def run(self, case):
        try:
            self.process.stdin.write((json.dumps(case) + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        return self.read(CASE_SECONDS)

    def last_words(self):
        self.process.wait()
        self.errors.seek(0)
        words = self.errors.read()[-600:].decode(errors="replace").strip()
        code = self.process.returncode
        return f"ended by signal {-code}" if code < 0 and not words else f"exit code {code}: {words}"

    def stop(self):
        self.process.kill()
        self.process.wait()


class Runner(threading.Thread):
    """Takes cases from a queue until it is empty."""

    def __init__(self, number, arguments, folder, cases, results):
        super().__init__()
        self.number, self.arguments, self.folder, self.cases, self.results = number, arguments, folder, cases, results
        self.starts = 0
        self.worker = self.child = None

    def start_pair(self):
        self.stop_pair()
        self.starts += 1
        self.worker = Worker(self.arguments.worker, self.folder, f"{self.number}-{self.starts}")
        self.child = Child(self.arguments.library, self.worker)

    def stop_pair(self):
        for one in (self.child, self.worker):
            if one:
                one.stop()
        self.child = self.worker = None

    def run(self):
        while True:
            try:
                case = self.cases.get_nowait()
            except queue.Empty:
                break
            if self.child is None:
                self.start_pair()
            result = self.child.run({key: case[key] for key in ("op", "dtype", "samples", "gradients")})
            if result is None:
                result = {"outcome": "fail", "message": "crashed or hung: " + self.child.last_words(), "samples": 0,
                          "cpu_errors": 0, "equal": 0, "close": 0, "gradients": 0, "stats": {}}
                self.start_pair()
            elif not self.worker.is_alive:
                result.update(outcome="fail", message="the worker died")
                self.start_pair()
            self.results.append({**case, **result})
        self.stop_pair()


def collect_cases(database, arguments):
    wanted = arguments.dtypes.split(",")
    known = database["dtypes"]
    cases = [{"op": index, "name": name, "dtype": dtype, "samples": arguments.samples, "gradients": dtype in GRADIENTS}
             for dtype in wanted for index, name in enumerate(database["ops"])
             if dtype in known[index] and re.search(arguments.ops, name)]
    return cases[arguments.offset :: arguments.every]


OUTCOMES = ("pass", "fail", "refused", "skip")
COUNTS = ("samples", "gradients", "equal", "close")  # the latter three in tensors
TIERS = {"outputs sized by the call": "sized", "outputs sized by LibTorch": "meta", "outputs sized by a rule": "rule",
         "outputs sized as before": "cached", "outputs sized by asking": "asked", "outputs sized by values": "values"}


def print_report(results):
    """Totals per dtype, then every op that did not pass, then the ops that asked the worker for a size."""
    columns = ["dtype", "ops", *OUTCOMES, *COUNTS, *TIERS.values()]
    rows = []
    for dtype in dict.fromkeys(result["dtype"] for result in results):
        mine = [result for result in results if result["dtype"] == dtype]
        outcomes = collections.Counter(result["outcome"] for result in mine)
        rows.append([dtype, len(mine), *(outcomes[name] for name in OUTCOMES),
                     *(sum(result[name] for result in mine) for name in COUNTS),
                     *(sum(result["stats"].get(name, 0) for result in mine) for name in TIERS)])
    widths = [max(len(str(row[i])) for row in [columns, *rows]) for i in range(len(columns))]
    for row in [columns, *rows]:
        first, *others = (str(cell) for cell in row)
        print("  ".join([first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:]))]))
    for outcome in ("refused", "skip", "fail"):
        for result in results:
            if result["outcome"] == outcome:
                lines = [line.strip() for line in result["message"].strip().split("\n")[:4]]
                print(f"{outcome}: {result['name']} {result['dtype']}: {' | '.join(lines)[:400]}")
    near = [f"{result['name']} {result['dtype']} {result['close']}" for result in results if result["close"]]
    print("close, not equal bit for bit: " + (", ".join(near) or "nothing"))
    asked = collections.Counter()
    for result in results:
        for place, count in result["stats"].items():
            if place.startswith("wait: aten::"):
                asked[place.removeprefix("wait: ")] += count
    places = [f"{name} {count}" for name, count in sorted(asked.items())]
    print("asked the worker for sizes: " + (", ".join(places) or "nothing"))
    failed = sum(result["outcome"] == "fail" for result in results)
    print(f"{sum(result['outcome'] == 'pass' for result in results)} passed, {failed} failed")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--library", required=True, help="libremotetorch.so")
    parser.add_argument("--worker", help="rt-worker; without it each process embeds its worker")
    parser.add_argument("--dtypes", default=DTYPES)
    parser.add_argument("--ops", default="", help="a regular expression that names must match")
    parser.add_argument("--samples", type=int, default=0, help="at most so many of an op; 0 is all")
    parser.add_argument("--every", type=int, default=1, help="only each N-th case")
    parser.add_argument("--offset", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--report", type=pathlib.Path, help="write all results there, as JSON")
    arguments = parser.parse_args()

    began = time.monotonic()
    cases, results = queue.Queue(), []
    with tempfile.TemporaryDirectory() as folder:
        runners = [Runner(number, arguments, pathlib.Path(folder), cases, results) for number in range(arguments.jobs)]
        runners[0].start_pair()
        order = collect_cases(runners[0].child.database, arguments)
        for case in order:
            cases.put(case)
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
    position = {(case["op"], case["dtype"]): i for i, case in enumerate(order)}
    results.sort(key=lambda result: position[result["op"], result["dtype"]])
    if len(results) != len(order) or not results:
        raise SystemExit(f"op_db: {len(order)} cases, but {len(results)} results")
    if arguments.report:
        arguments.report.write_text(json.dumps(results, indent=1))
    failed = print_report(results)
    print(f"in {time.monotonic() - began:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
