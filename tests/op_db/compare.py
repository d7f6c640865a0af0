"""The same op on the CPU and on the remote device: how a sample gets there, and what must be the same."""

import torch
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = "remote:0"


class Difference(Exception):
    """The device gave something else than the CPU."""


class Tally:
    """What was compared, in tensors, of the op `name`."""

    def __init__(self, name):
        self.name = name
        self.equal = self.close = self.gradients = 0


# Their values are whatever lies in memory.
UNWRITTEN = {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided"}
# The CPU's kernel leaves the conj bit on what it returns; the device returns the same values, resolved.
LEAVES_CONJ_BIT = {"linalg.lu_solve", "vdot"}
# Python code of torch picks another algorithm for bfloat16 where the device is a CPU.
CHOOSES_BY_DEVICE = {"nn.functional.linear_cross_entropy.chunked", "nn.functional.linear_cross_entropy.chunked_none"}
# Make a tensor of the default device where no device is named.
FACTORIES = {"arange", "linspace", "linspace.tensor_overload", "logspace", "logspace.tensor_overload"}
# Take their indices from the CPU, on every device.
CPU_ARGUMENTS = {"tensor_split"}


def twin(tensor, device, storages=None):
    """A leaf with the same storage, strides, offset and conj and neg bits, that wants gradients where `tensor` does.

    `storages`: those that are there already, by where their originals lie.
    """
    source = tensor.detach()
    if source.layout != torch.strided:
        return source.to(device, copy=True).requires_grad_(tensor.requires_grad)
    is_conj, is_neg = source.is_conj(), source.is_neg()
    if is_neg:
        source = torch._neg_view(source)
    if is_conj:
        source = source.conj()
    storages = {} if storages is None else storages
    place = source.untyped_storage().data_ptr(), source.dtype
    if place[0] == 0 or place not in storages:
        elements = source.untyped_storage().nbytes() // source.element_size()
        storages[place] = source.as_strided((elements,), (1,), 0).to(device, copy=True)
    copy = storages[place].as_strided(source.size(), source.stride(), source.storage_offset())
    if is_conj:
        copy = copy.conj()
    if is_neg:
        copy = torch._neg_view(copy)
    return copy.requires_grad_(tensor.requires_grad)


def copied(sample, device, name):
    """(input, args, kwargs) of a sample on a device. What shares a tensor or a storage in it shares one there, too."""
    twins, storages = {}, {}

    def move(value, is_input=False):
        if isinstance(value, torch.device) or value == "cpu":
            return torch.device(device)
        if not isinstance(value, torch.Tensor):
            return value
        if id(value) not in twins:
            place = "cpu" if name in CPU_ARGUMENTS and not is_input else device
            twins[id(value)] = twin(value, place, storages if place == device else None)
        return twins[id(value)]

    moved_input = tree_map(lambda value: move(value, True), sample.input)
    return moved_input, tree_map(move, sample.args), tree_map(move, sample.kwargs)


def moved(tree, device):
    """A tree with each tensor's twin on a device."""
    return tree_map(lambda value: twin(value, device) if isinstance(value, torch.Tensor) else value, tree)


def tensors_in(tree):
    return [leaf for leaf in tree_flatten(tree)[0] if isinstance(leaf, torch.Tensor)]


def _bytes(tensor):
    if tensor.numel() == 0:
        return b""
    dense = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())
    return dense.view(-1).view(torch.uint8).numpy().tobytes()


def _same_metadata(expected, actual, what, name):
    """A 0-dim result on the CPU is a number that Python has computed."""
    if actual.device.type != "remote" and actual.dim() > 0 and name not in CPU_ARGUMENTS | FACTORIES:
        raise Difference(f"{what} is on {actual.device}")
    for aspect in ("dtype", "shape", "layout"):
        if getattr(expected, aspect) != getattr(actual, aspect):
            raise Difference(f"{what}: expected {aspect} {getattr(expected, aspect)}, got {getattr(actual, aspect)}")
    if expected.layout == torch.strided and expected.numel() > 0:
        # The stride of a dimension of size 1 says nothing.
        strides = zip(expected.shape, expected.stride(), actual.stride())
        if any(size > 1 and one != other for size, one, other in strides):
            shape = list(expected.shape)
            raise Difference(f"{what} {shape}: expected strides {expected.stride()}, got {actual.stride()}")
    for bit in () if name in LEAVES_CONJ_BIT else ("is_conj", "is_neg"):
        if getattr(expected, bit)() != getattr(actual, bit)():
            raise Difference(f"{what}: expected {bit} {getattr(expected, bit)()}, got {getattr(actual, bit)()}")


def check_tensor(expected, actual, what, tally):
    """Raises Difference unless device, dtype, sizes and strides agree, and values bit for bit or as nearly as
    torch.testing.assert_close wants it."""
    _same_metadata(expected, actual, what, tally.name)
    if tally.name in UNWRITTEN or (tally.name in CHOOSES_BY_DEVICE and expected.dtype == torch.bfloat16):
        return
    local = actual.detach().cpu()
    if _bytes(expected) == _bytes(local):
        tally.equal += 1
        return
    try:
        torch.testing.assert_close(local, expected.detach(), equal_nan=True)
    except AssertionError as error:
        raise Difference(f"{what}: {str(error).strip()}") from None
    # A NaN has many representations.
    nan_alone = torch.equal(torch.nan_to_num(local), torch.nan_to_num(expected.detach()))
    tally.equal += nan_alone
    tally.close += not nan_alone


def check(expected, actual, what, tally):
    """Compares two trees of results: tensors as tensors, everything else by ==."""
    left, left_tree = tree_flatten(expected)
    right, right_tree = tree_flatten(actual)
    if left_tree != right_tree:
        raise Difference(f"{what}: expected the structure {left_tree}, got {right_tree}")
    for index, (one, other) in enumerate(zip(left, right)):
        name = what if len(left) == 1 else f"{what}[{index}]"
        if isinstance(one, torch.Tensor):
            if not isinstance(other, torch.Tensor):
                raise Difference(f"{name}: expected a tensor, got {other!r}")
            check_tensor(one, other, name, tally)
        elif isinstance(one, torch.device):
            continue
        elif one != other and not (one != one and other != other):
            raise Difference(f"{name}: expected {one!r}, got {other!r}")


def gradients(results, inputs):
    """First-order gradients of all differentiable results, each weighted by fixed numbers."""
    outputs = [t for t in tensors_in(results) if t.requires_grad and (t.is_floating_point() or t.is_complex())]
    wanted = [t for t in tensors_in(inputs) if t.requires_grad]
    if not outputs or not wanted:
        return None
    weights = []
    for output in outputs:
        numbers = torch.linspace(0.5, 1.5, max(output.numel(), 1), dtype=torch.float64)[: output.numel()]
        weights.append(numbers.reshape(output.shape).to(output.dtype).to(output.device))
    return torch.autograd.grad(outputs, wanted, weights, allow_unused=True)
