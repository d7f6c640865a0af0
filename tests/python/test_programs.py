"""What Python programs do with a device beside calling ops: they copy, pickle, save, script, choose and differentiate.

Each program runs on the CPU and on the remote device, and must come to the same, bit for bit.

usage: test_programs.py libremotetorch.so
"""

import contextlib
import copy
import functools
import io
import pickle
import sys
import unittest
import warnings

import torch
import torch.nn.functional as F
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

torch.ops.load_library(sys.argv.pop(1))
torch.set_num_threads(1)
warnings.filterwarnings("ignore")


def facts(value):
    """What has to agree."""
    if not isinstance(value, torch.Tensor):
        return value
    local = value.detach().cpu()
    same_bits = local.contiguous().view(-1).view(torch.uint8).tolist() if local.numel() else []
    return tuple(value.shape), value.stride(), value.dtype, same_bits


class Undefined(torch.autograd.Function):
    """Passes values on and no gradient back."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return None


@torch.jit.script
def put(x: torch.Tensor, index: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    x[index] = values
    return x


class Programs(unittest.TestCase):
    def compare(self, program):
        outcomes = []
        for device in ("cpu", "remote"):
            torch.manual_seed(1)
            results = program(device)
            results = results if isinstance(results, (tuple, list)) else (results,)
            outcomes.append([facts(result) for result in results])
        self.assertEqual(*outcomes)

    def test_copies_keep_what_is_shared(self):
        def program(device):
            base = torch.arange(6.0, device=device)
            parts = [base, base[2:4], base.view(2, 3).t(), torch.empty(0, device=device)]
            copies = copy.deepcopy(parts)
            copies[0].fill_(5)
            return parts + copies

        self.compare(program)

    def test_modules_with_buffers_are_copied(self):
        def program(device):
            module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3)).to(device)
            twin = copy.deepcopy(module)
            twin(torch.rand(4, 3).to(device))
            return list(module.state_dict().values()) + list(twin.state_dict().values())

        self.compare(program)

    def test_saved_and_loaded(self):
        def program(device):
            base = torch.arange(6.0, device=device)
            stream = io.BytesIO()
            torch.save([base, base[2:4], torch.ones(2, dtype=torch.bool, device=device)], stream)
            stream.seek(0)
            loaded = torch.load(stream)
            loaded[0].fill_(5)
            stream.seek(0)
            return loaded + torch.load(stream, map_location="cpu") + [loaded[0].device.type == device]

        self.compare(program)

    def test_pickled(self):
        self.compare(lambda device: pickle.loads(pickle.dumps(torch.arange(3.0, device=device))))

    def test_scripts_write_by_index(self):
        self.compare(lambda device: put(torch.ones(3).to(device), torch.tensor([0, 1]).to(device),
                                        torch.zeros(2).to(device)))

    def test_numbers_beyond_the_signed_range(self):
        self.compare(lambda device: torch.full((3,), 2**64 - 1, dtype=torch.uint64, device=device))

    def test_the_fast_path_of_attention(self):
        def program(device):
            layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            encoder = torch.nn.TransformerEncoder(layer, 2).eval().to(device)
            attention = torch.nn.MultiheadAttention(8, 2, batch_first=True).eval().to(device)
            x = torch.rand(2, 3, 8).to(device)
            padding = torch.tensor([[False, True, False], [False, False, False]]).to(device)
            with torch.no_grad():
                return encoder(x), encoder(x, src_key_padding_mask=padding), *attention(x, x, x)

        self.compare(program)

    def test_a_chosen_attention_kernel(self):
        def program(device):
            query, key, value = (torch.rand(2, 2, 64, 8).to(device) for _ in range(3))
            with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
                return F.scaled_dot_product_attention(query, key, value)

        self.compare(program)

    def test_gradients_that_are_not_there(self):
        def program(device):
            query, key, value = (torch.rand(1, 2, 3, 4).to(device).requires_grad_() for _ in range(3))
            lstm = torch.nn.LSTM(3, 4).to(device)
            x = torch.rand(5, 2, 3).to(device).requires_grad_()
            nothing = Undefined.apply(F.scaled_dot_product_attention(query, key, value)).sum()
            nothing = nothing + Undefined.apply(lstm(x)[0]).sum()
            (nothing + 0 * query.sum() + 0 * x.sum()).backward()
            return query.grad, key.grad, x.grad, lstm.weight_ih_l0.grad

        self.compare(program)

    def test_deterministic_memory(self):
        def program(device):
            torch.use_deterministic_algorithms(True)
            try:
                grown = torch.ones(3, device=device).resize_(6)
                return (torch.empty(3, device=device).isnan().all(), torch.empty(3, dtype=torch.int, device=device),
                        grown.isnan(), torch.ones(3, device=device) + 1)
            finally:
                torch.use_deterministic_algorithms(False)

        self.compare(program)

    def test_function_transforms(self):
        def program(device):
            x = torch.arange(40.0).reshape(2, 4, 5).to(device)
            square = torch.func.jacfwd(lambda x: 3 * x**2)(torch.tensor([-2.0, 3.0]).to(device))
            return torch.func.grad(lambda x: F.group_norm(x, 2).sin().sum())(x), square.signbit()

        self.compare(program)

    def test_dropout_in_vmap_draws_as_on_the_cpu(self):
        def drop(x):
            return F.dropout(x, 0.3) * x

        def program(device):
            x = torch.arange(1.0, 25.0).view(4, 6).to(device)
            return [
                torch.vmap(f, in_dims=dim, randomness=randomness)(x)
                for f in (drop, torch.func.grad(lambda row: drop(row).sum()))
                for randomness in ("different", "same")
                for dim in (0, 1)
            ]

        self.compare(program)
        for device in ("cpu", "remote"):
            q = torch.ones(2, 3, 4).to(device)
            with self.assertRaisesRegex(RuntimeError, "different inplace randomness on an unbatched tensor"):
                torch.vmap(lambda x: x * F.scaled_dot_product_attention(q, q, q, dropout_p=0.3),
                           randomness="different")(q)

    def test_packed_sequences_of_one_length(self):
        def program(device):
            lstm = torch.nn.LSTM(3, 4).to(device)
            x = torch.rand(5, 2, 3).to(device).requires_grad_()
            output = lstm(torch.nn.utils.rnn.pack_padded_sequence(x, [5, 5]))[0].data
            output.sum().backward()
            return output, x.grad, lstm.weight_ih_l0.grad

        self.compare(program)

    def test_checkpoints_draw_the_same_masks_again(self):
        def program(device):
            model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 4)).to(device)
            x = torch.ones(3, 4).to(device).requires_grad_()
            gradients = []
            for run in (model, lambda x: checkpoint(model, x, use_reentrant=True),
                        lambda x: checkpoint(model, x, use_reentrant=False)):
                torch.manual_seed(5)
                x.grad = None
                run(x).sum().backward()
                gradients.append(x.grad)
            return gradients

        self.compare(program)
        one, *others = program("remote")
        self.assertTrue(all(torch.equal(one, other) for other in others))

    def test_traced_convolutions(self):
        def program(device):
            model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.ConvTranspose2d(4, 2, 3))
            x = torch.linspace(-1, 1, 150).view(2, 3, 5, 5).to(device)
            traced = torch.jit.trace(model.to(device), x)
            kinds = [node.kind() for node in traced.inlined_graph.nodes()]
            result = traced(x)
            return (kinds.count("aten::_convolution"), result.detach(),
                    *torch.autograd.grad(result.square().sum(), list(traced.parameters())))

        self.compare(program)

    def test_an_op_that_is_registered_again_is_another_one(self):
        def program(device):
            results = []
            for schema, run in (("shift(Tensor x) -> Tensor", lambda x: x + 1),
                                ("other(Tensor x, int by) -> Tensor", lambda x, by: x * by),
                                ("shift(Tensor x, int by) -> Tensor", lambda x, by: x + by)):
                library = torch.library.Library("registered_again", "DEF")
                library.define(schema)
                name = schema.split("(")[0]
                library.impl(name, run, "CPU")
                arguments = (3,) if "by" in schema else ()
                op = getattr(torch.ops.registered_again, name)
                results.append(op(torch.ones(2).to(device), *arguments))
                library._destroy()  # by which an embedded worker must have run it
            return results

        self.compare(program)

    def test_the_default_dtype_is_switched_at_any_moment(self):
        def program(device):
            results = []
            for dtype in (torch.float64, torch.float32, torch.float64, torch.float32):
                torch.set_default_dtype(dtype)
                results.append(torch.ones(3, device=device).sum())
                with contextlib.suppress(RuntimeError):
                    torch.bmm(torch.ones(2, 3, 4, device=device), torch.ones(2, 4, 3))  # of another device: refused
            return results

        self.compare(program)

    def test_saved_tensors_are_copied(self):
        def program(device):
            torch.manual_seed(1)
            layer, x = torch.nn.LSTM(4, 5).to(device), torch.linspace(-1, 1, 24).view(3, 2, 4).to(device)
            with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
                layer(x)[0].sum().backward()
            return [parameter.grad for parameter in layer.parameters()]

        self.compare(program)

    def test_saved_tensors_of_a_layer_go_to_the_cpu(self):
        def program(device):
            torch.manual_seed(1)
            layer, x = torch.nn.LSTM(4, 5, 2).to(device), torch.linspace(-1, 1, 24).view(3, 2, 4).to(device)
            with torch.autograd.graph.save_on_cpu():
                layer(x)[0].sum().backward()
            return [parameter.grad for parameter in layer.parameters()]

        self.compare(program)

    def test_outs_are_added_to(self):
        def program(device):
            out = torch.ones(2, 3).to(device)
            return torch._compute_linear_combination(torch.ones(2, 3).to(device), torch.ones(2, 2).to(device), out=out)

        self.compare(program)

    def test_series_of_one_channel(self):
        def program(device):
            x = torch.linspace(-1, 1, 72).view(3, 24, 1).to(device).permute(0, 2, 1).requires_grad_()
            w = torch.linspace(-1, 1, 8).view(4, 1, 2).to(device).requires_grad_()
            y = F.conv1d(x, w)
            y.square().mean().backward()
            return y, x.grad, w.grad, F.batch_norm(y, None, None, training=True)

        self.compare(program)

    def test_storages_are_resized(self):
        def program(device):
            x = torch.ones(6).to(device)
            storage = x.untyped_storage()
            storage.resize_(0)
            sizes = [storage.nbytes()]
            storage.resize_(24)
            return sizes + [storage.nbytes(), x.fill_(2), x[2:].data_ptr() - x.data_ptr(),
                            x.data_ptr() == storage.data_ptr()]

        self.compare(program)

    def test_fake_tensors(self):
        def program(device):
            layer, x = torch.nn.GRU(4, 5, batch_first=True).to(device), torch.ones(3, 2, 4).to(device)
            exported = torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
            pooled = make_fx(lambda x: F.max_pool1d(x, 2))(x)
            return pooled(2 * x), tuple(exported.module()(torch.ones(5, 2, 4).to(device))[0].shape)

        self.compare(program)

    def test_fake_convolutions_keep_channels_last(self):
        def program(device):
            x = torch.linspace(-1, 1, 600).view(2, 3, 10, 10).to(device).to(memory_format=torch.channels_last)
            w = torch.linspace(-1, 1, 108).view(4, 3, 3, 3).to(device)
            return torch.compile(lambda x, w: F.conv2d(x, w).relu(), backend="aot_eager")(x, w)

        self.compare(program)

    def test_an_lstm_under_autocast(self):
        def program(device):
            layer = torch.nn.LSTM(8, 4, 2, dropout=0.3).to(device)
            torch.manual_seed(2)  # the parameters were drawn on the CPU
            with torch.autocast(device, torch.bfloat16):
                output, (hidden, cell) = layer(torch.linspace(-1, 1, 120).view(5, 3, 8).to(device))
            (output.float().sum() + cell.float().sum()).backward()
            return [output.detach(), hidden.detach(), cell.detach()] + [x.grad for x in layer.parameters()]

        try:
            program("cpu")
        except RuntimeError as error:
            self.skipTest(f"this processor's oneDNN has no LSTM in bfloat16: {error}")
        self.compare(program)

    def test_optimizers_round_as_on_the_cpu(self):
        def program(device, make):
            parameters = [torch.linspace(-1, 1, size).to(device).requires_grad_() for size in (3, 5)]
            optimizer = make(parameters)
            for _ in range(3):
                optimizer.zero_grad()
                sum(parameter.pow(3).sum() for parameter in parameters).backward()
                optimizer.step()
            return [x.detach() for x in parameters] + [x.grad for x in parameters]

        nesterov = functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9, nesterov=True)
        for make in (torch.optim.NAdam, torch.optim.RAdam, torch.optim.ASGD, nesterov):
            for options in ({}, {"foreach": True}):
                self.compare(functools.partial(program, make=functools.partial(make, **options)))

    def test_parallel_modules_pass_batches_through(self):
        def program(device):
            return torch.nn.DataParallel(torch.nn.Linear(3, 2).to(device))(torch.ones(2, 3).to(device)).detach()

        self.compare(program)

    def test_a_failed_read_spoils_nothing(self):
        x = torch.empty(10, device="remote")
        with self.assertRaises(IndexError):
            x[[10]]
            torch.remote.synchronize()
        x[:5] = 1
        self.assertEqual(x[:5].tolist(), [1] * 5)

    def test_compiled_modules_train(self):
        def program(device):
            net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.GELU(), torch.nn.Linear(4, 1)).to(device)
            compiled = torch.compile(net) if device == "remote" else net
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            for _ in range(2):
                optimizer.zero_grad()
                compiled(torch.ones(2, 3).to(device)).square().mean().backward()
                optimizer.step()
            return [parameter.detach() for parameter in net.parameters()]

        self.compare(program)
        with self.assertWarnsRegex(UserWarning, "op by op"):
            torch.compile(lambda: torch.ones(2, device="remote") + 1)()

    def test_modes_see_the_ops_of_a_layer(self):
        def program(device):
            torch.manual_seed(1)
            layer, x = torch.nn.LSTM(4, 5).to(device), torch.linspace(-1, 1, 24).view(3, 2, 4).to(device)
            with torch.no_grad():
                return make_fx(lambda x: layer(x)[0])(x)(2 * x).round(decimals=4)

        self.compare(program)

    def test_settings_are_switched_for_a_while(self):
        def program(device):
            x, w = torch.linspace(-1, 1, 600).view(2, 3, 10, 10).to(device), torch.ones(4, 3, 3, 3).to(device)
            with torch.backends.mkldnn.flags(enabled=False):
                first = F.conv2d(x, w)
            return first, F.conv2d(x, w)

        self.compare(program)

    def test_attention_kernels_are_chosen_in_turn(self):
        def program(device):
            q = torch.linspace(-1, 1, 2 * 4 * 100 * 16).view(2, 4, 100, 16).to(device).requires_grad_()
            results = []
            for _ in range(5):
                for kernel in (SDPBackend.FLASH_ATTENTION, SDPBackend.MATH):
                    with sdpa_kernel(kernel):
                        results.append(F.scaled_dot_product_attention(q, q, q))
            results[0].sum().backward()
            return results + [q.grad]

        self.compare(program)

    def test_an_attention_kernel_that_there_is_not(self):
        for device in ("cpu", "remote"):
            q = torch.ones(1, 1, 2, 4).to(device)
            with sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION), self.assertRaisesRegex(RuntimeError, "No viable backend"):
                F.scaled_dot_product_attention(q, q, q)

    def test_empty_batches(self):
        self.compare(lambda device: F.max_pool2d(torch.rand(0, 2, 4, 4).to(device).requires_grad_(), 2))


class Refusals(unittest.TestCase):
    def test_nested_tensors_with_gradients(self):
        nested = torch.nested.nested_tensor([torch.rand(2), torch.rand(2)], device="remote", requires_grad=True)
        with self.assertRaisesRegex(RuntimeError, "no nested ones"):
            nested.clone()

    def test_memory_that_is_no_workers(self):
        x = torch.ones(3, device="remote")
        foreign = torch.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(x))
        with self.assertRaisesRegex(RuntimeError, "memory that is no worker's"):
            foreign + 1
        part = x.untyped_storage()[4:8]
        with self.assertRaisesRegex(RuntimeError, "memory that is no worker's"):
            torch.empty(0, dtype=torch.uint8, device="remote").set_(part).cpu()
        self.assertEqual((x + 1).tolist(), [2, 2, 2])


if __name__ == "__main__":
    unittest.main()
