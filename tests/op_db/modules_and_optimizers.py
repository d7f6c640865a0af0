#!/usr/bin/env python3
"""Runs PyTorch's databases of modules and optimizers (in the torch wheel) on the remote device and compares with the CPU.

Modules: outputs in training and in evaluation, their strides, and the gradients of parameters. Optimizers: the parameters
after five steps, for each implementation (one by one, foreach, fused). The worker is embedded, or the one that
REMOTE_WORKERS names. Exit code 1 when one differs.

usage: modules_and_optimizers.py build/lib/libremotetorch.so
"""

import sys
import warnings

import torch

torch.ops.load_library(sys.argv[1])
torch.set_num_threads(1)
warnings.filterwarnings("ignore")

from torch.testing._internal.common_modules import module_db  # noqa: E402
from torch.testing._internal.common_optimizers import optim_db  # noqa: E402

import compare  # noqa: E402

STEPS = 5


class Report:
    """What was compared, and what differed."""

    def __init__(self, title):
        self.title = title
        self.tally = compare.Tally(title)
        self.cases = self.cpu_errors = 0
        self.failures = []

    def case(self, name, run, device_run):
        """Runs both; a case that the CPU refuses says nothing."""
        try:
            expected = run()
        except Exception:
            self.cpu_errors += 1
            return
        self.cases += 1
        try:
            compare.check(expected, device_run(), name, self.tally)
        except Exception as error:  # whatever the device throws is what is being tested
            self.failures.append(f"{name}: {type(error).__name__}: {error}")
            torch.remote.clear_errors()

    def print(self):
        print(f"{self.title}: {self.cases} cases, {len(self.failures)} failed; tensors: {self.tally.equal} bit for bit, "
              f"{self.tally.close} nearly; {self.cpu_errors} cases that the CPU refuses")
        for failure in self.failures:
            print("  " + failure.splitlines()[0])


def module_run(info, constructor, state, forward, training, device):
    """Outputs, and the gradients of inputs and parameters, of one call."""
    module = info.module_cls(*constructor.args, **constructor.kwargs)
    module.load_state_dict(state)
    module.train(training).to(device)
    inputs = compare.moved((forward.args, forward.kwargs), device)
    torch.manual_seed(1)
    outputs = module(*inputs[0], **inputs[1])
    return outputs, compare.gradients(outputs, (inputs, list(module.parameters())))


def check_modules(report):
    for info in module_db:
        for training in (True, False):
            samples = info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=True,
                                              training=training)
            for number, sample in enumerate(samples):
                if sample.forward_input is None:
                    continue
                torch.manual_seed(0)
                constructor = sample.constructor_input
                state = info.module_cls(*constructor.args, **constructor.kwargs).state_dict()

                def run(device):
                    return module_run(info, constructor, state, sample.forward_input, training, device)

                mode = "training" if training else "evaluation"
                report.case(f"{info.name}, {mode}, input {number}", lambda: run("cpu"), lambda: run(compare.DEVICE))


def optimizer_run(info, options, device):
    generator = torch.Generator().manual_seed(0)
    shapes = [(4, 5), (5,), (3, 2, 3)]
    parameters = [torch.randn(shape, generator=generator).to(device).requires_grad_() for shape in shapes]
    optimizer = info.optim_cls(parameters, **options)
    for _ in range(STEPS):
        weights = [torch.randn(shape, generator=generator).to(device) for shape in shapes]

        def closure():
            optimizer.zero_grad()
            loss = sum((parameter * weight + parameter.square() * 0.1).sum()
                       for parameter, weight in zip(parameters, weights))
            loss.backward()
            return loss

        closure()
        optimizer.step(closure) if info.step_requires_closure else optimizer.step()
    return parameters


def implementations(info):
    """Options that pick one, by name: which is the default depends on the device."""
    supported = info.supported_impls
    yield {"foreach": False} if "foreach" in supported else {}
    if "foreach" in supported:
        yield {"foreach": True}
    if "fused" in supported:
        yield {"fused": True}


def check_optimizers(report):
    for info in optim_db:
        if info.only_supports_sparse_grads:
            continue
        for sample in info.optim_inputs_func("cpu"):
            if sample.kwargs.get("capturable"):
                continue  # for the graphs of accelerators that have them
            for implementation in implementations(info):
                def run(device):
                    return optimizer_run(info, sample.kwargs | implementation, device)

                report.case(f"{info.name}, {sample.desc}, {implementation}", lambda: run("cpu"),
                            lambda: run(compare.DEVICE))


def main():
    reports = [Report("modules"), Report("optimizers")]
    check_modules(reports[0])
    check_optimizers(reports[1])
    for report in reports:
        report.print()
    sys.exit(any(report.failures or not report.cases for report in reports))


if __name__ == "__main__":
    main()
