"""Runs ops of PyTorch's operator database on the remote device and compares them with the CPU.

Started by op_db.py, which feeds it one case a line and survives its death: {"op": index in op_db, "dtype": "float32",
"samples": at most so many, "gradients": bool}. Answers one line a case: see Result.
"""

import json
import sys
import warnings

import torch

torch.ops.load_library(sys.argv[1])
torch.set_num_threads(1)
warnings.filterwarnings("ignore")

from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402

import compare  # noqa: E402
import outs  # noqa: E402

# What the device refuses, and a part of the sentence in which it does.
REFUSED = {name: "no sparse ones" for name in ("sparse.sampled_addmm", "sparse.mm.reduce", "to_sparse")}


class Case:
    def __init__(self, request):
        self.op = op_db[request["op"]]
        self.dtype = getattr(torch, request["dtype"])
        self.samples = request["samples"]
        self.wants_gradients = request["gradients"] and self.op.supports_autograd
        self.tally = compare.Tally(self.op.full_name)
        self.sampled = self.cpu_errors = 0

    def run(self):
        torch.manual_seed(1)
        samples = self.op.sample_inputs("cpu", self.dtype, requires_grad=self.wants_gradients)
        for number, sample in enumerate(samples):
            if self.samples and number >= self.samples:
                break
            self.compare(number, sample)
        torch.remote.synchronize()

    def variants(self):
        yield "", self.op.get_op()
        if not self.wants_gradients:
            inplace = self.op.get_inplace()
            if inplace is not None:
                yield "in place: ", inplace

    def compare(self, number, sample):
        for label, function in self.variants():
            what = f"{label}sample {number}"
            cpu = compare.copied(sample, "cpu", self.op.full_name)
            remote = compare.copied(sample, compare.DEVICE, self.op.full_name)
            torch.manual_seed(2)
            try:
                expected = function(cpu[0], *cpu[1], **cpu[2])
            except Exception:
                self.cpu_errors += 1
                continue
            torch.manual_seed(2)
            actual = function(remote[0], *remote[1], **remote[2])
            self.sampled += 1
            compare.check(expected, actual, what, self.tally)
            arguments = compare.tensors_in(cpu), compare.tensors_in(remote)
            compare.check(*arguments, f"{what}, arguments afterwards", self.tally)
            if self.wants_gradients:
                self.compare_gradients(expected, cpu, actual, remote, what)
        self.compare_outs(number, sample)

    def compare_outs(self, number, sample):
        """The same into outs, where the op takes any: of no size, of another size, and in another order of memory."""
        results = self.plain_results(sample)
        if results is None:
            return
        for label, make in outs.KINDS.items():
            if self.op.full_name in outs.WRONG_ON_CPU.get(label, ()):
                continue
            what = f"out {label}: sample {number}"
            cpu = compare.copied(sample, "cpu", self.op.full_name)
            remote = compare.copied(sample, compare.DEVICE, self.op.full_name)
            expected = outs.like(results, make, "cpu")
            actual = outs.like(results, make, compare.DEVICE)
            torch.manual_seed(2)
            try:
                with torch.no_grad():
                    self.op(cpu[0], *cpu[1], **cpu[2], out=expected)
            except Exception:
                self.cpu_errors += 1
                continue
            torch.manual_seed(2)
            with torch.no_grad():
                self.op(remote[0], *remote[1], **remote[2], out=actual)
            self.sampled += 1
            compare.check(expected, actual, what, self.tally)

    def plain_results(self, sample):
        """What the op returns on the CPU, if that can be an out."""
        if not self.op.supports_out or "out" in sample.kwargs:
            return None
        inputs = compare.copied(sample, "cpu", self.op.full_name)
        try:
            with torch.no_grad():
                results = self.op(inputs[0], *inputs[1], **inputs[2])
        except Exception:
            return None
        return results if outs.are_tensors(results) else None

    def compare_gradients(self, expected, cpu, actual, remote, what):
        try:
            wanted = compare.gradients(expected, cpu)
        except Exception:
            self.cpu_errors += 1
            return
        got = compare.gradients(actual, remote)
        if (wanted is None) != (got is None):
            raise compare.Difference(f"{what}: gradients on one device only")
        if wanted is not None:
            compare.check(wanted, got, f"{what}, gradient", self.tally)
            self.tally.gradients += 1


def answer(request):
    """The outcome of one case: pass, skip (the CPU has nothing to compare with), refused, fail."""
    case = Case(request)
    outcome, message = "pass", ""
    before = torch.remote.stats()
    try:
        case.run()
        if case.sampled == 0:
            outcome, message = "skip", "no sample that the CPU runs"
    except Exception as error:  # whatever the device throws is what is being tested
        message = f"{type(error).__name__}: {error}"
        sentence = REFUSED.get(case.op.full_name)
        outcome = "refused" if sentence and sentence in str(error) else "fail"
        try:
            torch.remote.synchronize()
        except RuntimeError:
            pass  # reported above, or by the op before it
        torch.remote.clear_errors()
    after = torch.remote.stats()
    counted = {name: count - before.get(name, 0) for name, count in after.items()}
    tally = case.tally
    return {"outcome": outcome, "message": message, "samples": case.sampled, "cpu_errors": case.cpu_errors,
            "equal": tally.equal, "close": tally.close, "gradients": tally.gradients,
            "stats": {name: count for name, count in counted.items() if count}}


def main():
    out = sys.stdout
    sys.stdout = sys.stderr  # what an op prints is no answer
    dtypes = [[str(dtype).removeprefix("torch.") for dtype in op.dtypes] for op in op_db]
    print(json.dumps({"ops": [op.full_name for op in op_db], "dtypes": dtypes}), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    main()
