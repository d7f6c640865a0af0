#!/usr/bin/env python3
"""Makes the mistakes that PyTorch's databases list (in the torch wheel), and those of calls.txt, on the remote device.

What the CPU refuses the device must refuse as well, at the call, with an exception of the same type; what the CPU takes
of calls.txt the device must take. The worker is embedded, or the one that REMOTE_WORKERS names. Exit code 1 when one
fails.

usage: errors.py build/lib/libremotetorch.so
"""

import math
import pathlib
import sys
import warnings

import torch

torch.ops.load_library(sys.argv[1])
torch.set_num_threads(1)
warnings.filterwarnings("ignore")

from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402
from torch.testing._internal.common_modules import module_db  # noqa: E402
from torch.testing._internal.common_optimizers import optim_db  # noqa: E402

import compare  # noqa: E402

# Whether it is a mistake depends on values, so that it is told with the next thing that waits. Or on the memory into which
# an out grows.
TOLD_LATER = {"masked_fill": {"cannot be converted to type int64_t without overflow"},
              "nn.Embedding": {"index out of range"}, "scatter": {"index 34 is out of bounds"},
              "scatter_add": {"index 34 is out of bounds"},
              "gather": {"index 23 is out of bounds"}, "gather, mistake 7": {"refer to a single memory location"},
              "multinomial": {"either `inf`, `nan` or element < 0", "sum of probabilities <= 0",
                              "probability entry < 0", "probability entry = infinity or NaN"},
              "torch.quantile(n(3), n(2) + 0.5)": {"must be in the range [0, 1]"},
              "torch.nanquantile(n(3), n(2) - 0.5)": {"must be in the range [0, 1]"}}
# An IndexError where the CPU's is an internal check.
OTHER_TYPE = {("narrow_copy", RuntimeError, IndexError)}
# The device refuses what the mistake is made with, in its own sentence.
REFUSED = "no sparse ones"


def outcome(run):
    """The exception, and whether it came at the call; (None, True) without one."""
    at_call = True
    try:
        run()
        at_call = False
        torch.remote.synchronize()
        return None, True
    except Exception as error:  # whatever is thrown is what is being tested
        torch.remote.clear_errors()
        return error, at_call


class Report:
    def __init__(self):
        self.refused = self.refused_before = self.told_later = self.no_mistake = 0
        self.failures = []

    def compare(self, name, on_cpu, on_device, takes_what_the_cpu_takes=False):
        expected, _ = outcome(on_cpu)
        if expected is None and not takes_what_the_cpu_takes:
            self.no_mistake += 1
            return
        actual, at_call = outcome(on_device)
        if expected is None:
            self.no_mistake += 1
            if actual is not None:
                self.failures.append(f"{name}: {describe(actual)}; the CPU takes it")
            return
        op = name.split(",")[0]
        if not at_call and any(text in str(actual) for text in TOLD_LATER.get(op, set()) | TOLD_LATER.get(name, set())):
            self.told_later += 1
        elif actual is None:
            self.failures.append(f"{name}: went through; the CPU says {describe(expected)}")
        elif not at_call:
            self.failures.append(f"{name}: late: {describe(actual)}")
        elif REFUSED in str(actual):
            self.refused_before += 1
        elif type(actual) is not type(expected) and (op, type(expected), type(actual)) not in OTHER_TYPE:
            self.failures.append(f"{name}: expected {describe(expected)}, got {describe(actual)}")
        else:
            self.refused += 1

    def print(self):
        print(f"{self.refused} mistakes refused at the call as on the CPU, {self.told_later} told later, "
              f"{self.refused_before} made with sparse tensors; {self.no_mistake} samples that the CPU takes; "
              f"{len(self.failures)} failed")
        for failure in self.failures:
            print("  " + failure)


def describe(error):
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"


def check_ops(report):
    for op in op_db:
        if op.error_inputs_func is None:
            continue
        for number, mistake in enumerate(op.error_inputs("cpu")):
            sample = mistake.sample_input

            def run(device):
                value, args, kwargs = compare.copied(sample, device, op.full_name)
                return op(value, *args, **kwargs)

            report.compare(f"{op.full_name}, mistake {number}", lambda: run("cpu"), lambda: run(compare.DEVICE))


def numbers(device):
    """What calls.txt calls n()."""
    def make(*sizes, dtype=torch.float32):
        return torch.arange(math.prod(sizes)).reshape(sizes).to(dtype).to(device)
    return make


def check_calls(report):
    for line in pathlib.Path(__file__).with_name("calls.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue

        def run(device):
            names = {"F": torch.nn.functional, "n": numbers(device), "device": device}
            return eval(line, vars(torch) | {"torch": torch} | names)

        report.compare(line, lambda: run("cpu"), lambda: run(compare.DEVICE), takes_what_the_cpu_takes=True)


def check_modules(report):
    for info in module_db:
        if info.module_error_inputs_func is None:
            continue
        for training in (True, False):
            mistakes = info.module_error_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=False,
                                                     training=training)
            for number, mistake in enumerate(mistakes):
                sample = mistake.module_error_input

                def run(device):
                    made, forward = sample.constructor_input, sample.forward_input
                    module = info.module_cls(*made.args, **made.kwargs).to(device)
                    args, kwargs = compare.moved((forward.args, forward.kwargs), device)
                    return module(*args, **kwargs)

                report.compare(f"{info.name}, mistake {number}", lambda: run("cpu"), lambda: run(compare.DEVICE))


def check_optimizers(report):
    for info in optim_db:
        for number, mistake in enumerate(info.optim_error_inputs_func("cpu", torch.float32)):
            sample = mistake.optimizer_error_input

            def run(device):
                optimizer = info.optim_cls(compare.moved(sample.params, device), **sample.kwargs)
                return optimizer.step()

            report.compare(f"{info.name}, mistake {number}", lambda: run("cpu"), lambda: run(compare.DEVICE))


def main():
    report = Report()
    check_ops(report)
    check_calls(report)
    check_modules(report)
    check_optimizers(report)
    report.print()
    sys.exit(bool(report.failures) or not report.refused)


if __name__ == "__main__":
    main()
