"""What torch itself asks of the module `torch.remote`: seeds, generators, streams, forked children, watching modes.

usage: test_module.py libremotetorch.so
"""

import copy
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, TensorDataset

library_path = os.path.abspath(sys.argv.pop(1))
torch.ops.load_library(library_path)
torch.set_num_threads(1)


class Watch(TorchDispatchMode):
    """The names of the ops that a program calls."""

    def __init__(self):
        super().__init__()
        self.ops = []

    def __torch_dispatch__(self, op, types, arguments=(), options=None):
        self.ops.append(op.name())
        return op(*arguments, **(options or {}))


class Wrapper(torch.Tensor):
    """A tensor that has the looks of another, and no storage."""

    @staticmethod
    def __new__(cls, held):
        return torch.Tensor._make_wrapper_subclass(cls, held.size(), dtype=held.dtype, device=held.device)

    def __init__(self, held):
        self.held = held

    @classmethod
    def __torch_dispatch__(cls, op, types, arguments=(), options=None):
        held = [value.held if isinstance(value, Wrapper) else value for value in arguments]
        result = op(*held, **(options or {}))
        return cls(result) if isinstance(result, torch.Tensor) else result


class Seeds(unittest.TestCase):
    def test_modes_do_not_see_them(self):
        torch.ones(1, device="remote")
        with Watch() as watch:
            torch.manual_seed(1)
            state = torch.remote.get_rng_state()
            torch.remote.set_rng_state(state)
            torch.ones(1)
        self.assertEqual(watch.ops, ["aten::ones"])

    def test_are_numbers_of_64_bits(self):
        for seed in (2**64 - 1, 2**63, -(2**63), -1):
            torch.manual_seed(seed)
            self.assertEqual(torch.rand(3, device="remote").tolist(), torch.rand(3).tolist(), seed)
            self.assertEqual(torch.Generator("remote").manual_seed(seed).initial_seed(), seed % 2**64)
        for seed in (2**64, -(2**63) - 1):
            with self.assertRaises(RuntimeError):
                torch.remote.manual_seed(seed)

    def test_fork_rng(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with torch.random.fork_rng(device_type="remote"):
                inside = torch.rand(3, device="remote")
        self.assertEqual(torch.rand(3, device="remote").tolist(), inside.tolist())

    def test_a_generator_knows_the_seed_of_its_state(self):
        first, second = torch.Generator(device="remote").manual_seed(5), torch.Generator(device="remote")
        second.set_state(first.get_state())
        self.assertEqual(second.initial_seed(), 5)


    def test_two_threads_share_a_generator(self):
        generator = torch.Generator("remote")

        def use():
            for seed in range(100):
                generator.set_state(generator.get_state())
                generator.manual_seed(seed)
                torch.rand(3, generator=generator, device="remote")

        threads = [threading.Thread(target=use) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        generator.manual_seed(1)
        expected = torch.rand(3, generator=torch.Generator().manual_seed(1))
        self.assertEqual(torch.rand(3, generator=generator, device="remote").tolist(), expected.tolist())


class Devices(unittest.TestCase):
    def test_those_with_a_worker_are_counted(self):
        torch.ones(1, device="remote:2")
        self.assertEqual(torch.remote.device_count(), 3)
        torch.remote.disconnect(2)

    def test_streams_and_events_are_in_the_order_of_the_device(self):
        stream, event = torch.Stream("remote"), torch.Event("remote")
        with stream:
            x = torch.ones(3, device="remote") * 2
            x.record_stream(stream)
            event.record()
        event.synchronize()
        self.assertEqual(x.tolist(), [2, 2, 2])
        self.assertEqual(torch.Stream().device.type, "remote")

    def test_an_event_is_done_when_what_was_recorded_before_has_run(self):
        held = threading.Event()
        library = torch.library.Library("holds", "FRAGMENT")
        library.define("until_told(Tensor x) -> Tensor")
        library.impl("until_told", lambda x: x.clone() if held.wait(20) else None, "CPU")
        library.impl("until_told", torch.empty_like, "Meta")
        event, stream = torch.Event("remote"), torch.Stream("remote")
        self.assertTrue(event.query())
        torch.ops.holds.until_told(torch.ones(3, device="remote"))
        event.record()
        self.assertFalse(event.query())
        self.assertFalse(stream.query())
        held.set()
        event.synchronize()
        self.assertTrue(event.query())
        torch.remote.synchronize()
        self.assertTrue(stream.query())
        stream.synchronize()

    def test_memory_is_counted(self):
        before = torch.accelerator.memory_allocated()
        x = torch.ones(1000, device="remote")
        self.assertEqual(torch.accelerator.memory_allocated() - before, 4000)
        self.assertGreaterEqual(torch.accelerator.max_memory_allocated(), before + 4000)
        del x
        self.assertEqual(torch.accelerator.memory_allocated(), before)
        torch.accelerator.empty_cache()

    def test_nothing_lies_nowhere(self):
        self.assertEqual(torch.empty(0, device="remote").data_ptr(), 0)


class Children(unittest.TestCase):
    def test_data_is_loaded_by_forked_children(self):
        layer = torch.nn.Linear(2, 2).to("remote")
        data = TensorDataset(torch.arange(20.0).view(10, 2))
        batches = [layer(x.to("remote")).shape for (x,) in DataLoader(data, batch_size=4, num_workers=2)]
        self.assertEqual(batches, [(4, 2), (4, 2), (2, 2)])


class Notices(unittest.TestCase):
    def test_an_index_out_of_range_is_an_index_error(self):
        with self.assertRaisesRegex(IndexError, "aten::embedding"):
            torch.nn.functional.embedding(torch.tensor([5], device="remote"), torch.ones(3, 2, device="remote")).sum().item()
        torch.remote.clear_errors()

    def test_warnings_of_the_worker_are_pythons(self):
        for read in (torch.Tensor.item, lambda _: torch.remote.synchronize()):
            with self.assertWarnsRegex(UserWarning, "degrees of freedom.*aten::std"):
                read(torch.ones(1, device="remote").std())


    def test_an_error_is_not_lost_where_settings_are_switched(self):
        x = torch.ones(3, 2, device="remote")
        total = torch.zeros(1, 2, device="remote")
        rows = torch.nn.functional.embedding(torch.tensor([5], device="remote"), x)
        torch.set_default_dtype(torch.float64)
        torch.set_default_dtype(torch.float32)
        with self.assertRaises(IndexError):
            total += rows
            total.sum().item()
        self.assertEqual(total.sum().item(), 0)

    def test_lines_of_python_are_named(self):
        program = (f"import torch\ntorch.ops.load_library({library_path!r})\n"
                   "x = torch.ones(3, device='remote')\n"
                   "x.take(torch.tensor([7], device='remote'))\n")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "program.py"
            path.write_text(program)
            ran = subprocess.run([sys.executable, str(path)], env=os.environ | {"REMOTE_RECORD_SITES": "1"},
                                 capture_output=True, text=True, timeout=100)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stderr, r"aten::take.*recorded at .*program\.py:4 in <module>")


class Wrappers(unittest.TestCase):
    def test_are_copied(self):
        wrapper = Wrapper(torch.ones(3, device="remote"))
        self.assertEqual(copy.deepcopy(wrapper).held.tolist(), [1, 1, 1])


class Kernels(unittest.TestCase):
    def test_run_while_a_call_that_holds_pythons_lock_waits_for_them(self):
        library = torch.library.Library("takes", "FRAGMENT")
        library.define("its_time(Tensor x) -> Tensor")
        library.impl("its_time", lambda x: (time.sleep(0.1), x * 2)[1], "CPU")
        library.impl("its_time", torch.empty_like, "Meta")
        x = torch.ones(3, device="remote")
        for wait in (torch.Generator("remote").get_state, lambda: x.untyped_storage()[0]):
            y = torch.ops.takes.its_time(x)
            wait()
            self.assertEqual(y.tolist(), [2, 2, 2])

    def test_may_differentiate(self):
        def slope(x):
            x = x.detach().requires_grad_()
            return torch.autograd.grad(x.pow(3).sum(), x)[0]

        library = torch.library.Library("slopes", "FRAGMENT")
        library.define("of_cube(Tensor x) -> Tensor")
        library.impl("of_cube", slope, "CPU")
        library.impl("of_cube", torch.empty_like, "Meta")
        for device in ("cpu", "remote"):
            self.assertEqual(torch.ops.slopes.of_cube(torch.arange(3.0, device=device)).tolist(), [0, 3, 12])

    def test_do_not_end_the_session_that_runs_them(self):
        library = torch.library.Library("ends", "FRAGMENT")
        library.define("its_session(Tensor x) -> Tensor")
        library.impl("its_session", lambda x: (torch.remote.disconnect(), x)[1].clone(), "CPU")
        library.impl("its_session", torch.empty_like, "Meta")
        torch.ops.ends.its_session(torch.ones(3, device="remote"))
        with self.assertRaisesRegex(RuntimeError, "would wait for itself"):
            torch.remote.synchronize()

    def test_do_not_wait_for_their_own_worker(self):
        captured = torch.ones(3, device="remote")
        library = torch.library.Library("waits", "FRAGMENT")
        library.define("add_first(Tensor x) -> Tensor")
        library.impl("add_first", lambda x: x + captured[0].item(), "CPU")
        with self.assertRaisesRegex(RuntimeError, "pass the tensor to the op as an argument"):
            torch.ops.waits.add_first(torch.ones(3, device="remote"))
            torch.remote.synchronize()
        torch.remote.clear_errors()
        self.assertEqual((captured + 1).tolist(), [2, 2, 2])


if __name__ == "__main__":
    unittest.main()
