"""The module `torch.remote`: what Python's torch asks of a device, and RemoteTorch's C++ API under the same names.

The library runs this text when `torch.ops.load_library` loads it; it needs no package and no file.
"""

import atexit
import contextlib
import functools
import sys
import warnings

import torch


class _Ops:
    """The library's ops for this module, which modes of Python's that watch a program's ops don't get to see."""

    def __getattr__(self, name):
        op = getattr(torch.ops.remote, name)

        def call(*arguments):
            with torch._C._DisableTorchDispatch():
                return op(*arguments)

        setattr(self, name, call)
        return call


_ops = _Ops()

# While Python lives, so that an error that nobody has seen can name its lines, and kernels of Python's can run.
atexit.register(lambda: _ops.drain())


def _index(device=None):
    """The number in `device`: None is the current device, 2, "remote:2" and torch.device("remote:2") are the same."""
    if device is None:
        return _ops.current_device()
    if isinstance(device, int):
        return device
    device = torch.device(device)
    if device.type != "remote":
        raise ValueError(f"torch.remote: expected a remote device such as 'remote:0', got {device}")
    return _ops.current_device() if device.index is None else device.index


def connect(addresses, credential=""):
    """Connects remote:0, remote:1, ... to the workers at these addresses: "host:port", "unix:/path", "embedded".

    `credential` is for workers that ask for one; without it that is the first line of the file REMOTE_CREDENTIAL_FILE.
    """
    _ops.connect([addresses] if isinstance(addresses, str) else list(addresses), credential)


def disconnect(device=None):
    """Ends the session of a device, or of all."""
    _ops.disconnect(-1 if device is None else _index(device))


def synchronize(device=None):
    """Waits until all that was recorded has run; issues the worker's warnings, raises the error nobody has seen yet."""
    for warning in _ops.synchronize(-1 if device is None else _index(device)):
        warnings.warn(warning, stacklevel=2)


def clear_errors(device=None):
    """Makes tensors usable again that an op would have written which was skipped after an error."""
    _ops.clear_errors(-1 if device is None else _index(device))


def stats(device=None):
    """What the client has done on one device so far: name -> count. Places that waited are named "wait: place"."""
    return dict(_ops.stats(_index(device)))


def is_available():
    return True


def is_initialized():
    return True


_initialized = True  # torch.utils.checkpoint saves and restores the generators of devices that say so


def _is_in_bad_fork():
    """torch.manual_seed then leaves the device alone, as in the workers of a DataLoader."""
    return _ops.is_in_bad_fork()


def get_amp_supported_dtype():
    return [torch.bfloat16, torch.float16]


def device_count():
    """The number of devices that have a worker or an address of one; 1 before the first use of an embedded worker."""
    return _ops.device_count()


def current_device():
    return _ops.current_device()


def set_device(device):
    _ops.set_device(_index(device))


@contextlib.contextmanager
def device(index):
    """The current device for a while."""
    before = current_device()
    set_device(index)
    try:
        yield
    finally:
        set_device(before)


def _seed_bits(seed):
    """A seed of 64 bits as an op's argument says it: signed."""
    seed = int(seed)
    if not -2**63 <= seed < 2**64:
        raise RuntimeError(f"torch.remote: expected a seed from -2**63 to 2**64 - 1, got {seed}")
    return seed - 2**64 if seed >= 2**63 else seed


def manual_seed(seed):
    """Seeds the current device's generator. torch.manual_seed does it for all devices."""
    _ops.manual_seed(_seed_bits(seed), current_device())


def manual_seed_all(seed):
    _ops.manual_seed(_seed_bits(seed), -1)


def get_rng_state(device=None):
    """The state of a device's default generator, a CPU byte tensor. Waits."""
    return _ops.get_rng_state(_index(device))


def set_rng_state(state, device=None):
    _ops.set_rng_state(state, _index(device))


# Python's own methods of a storage go through its memory, which is not here: copy.deepcopy, pickle, torch.save and
# torch.load of remote tensors need those below, which go through a tensor of the storage's bytes.
_Storage = torch.UntypedStorage
_LOCAL = {name: getattr(_Storage, name)
          for name in ("copy_", "fill_", "resize_", "byteswap", "data_ptr", "_write_file", "_set_from_file")}
_tensor_data_ptr = torch.Tensor.data_ptr


def _is_remote(storage):
    return storage.device.type == "remote"


def _bytes_of(storage):
    return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)


def _copy_storage(self, source, non_blocking=None):
    if not (_is_remote(self) or _is_remote(source)):
        return _LOCAL["copy_"](self, source, bool(non_blocking))
    if self.nbytes() != source.nbytes():
        raise RuntimeError(f"copy_: expected a storage of {self.nbytes()} bytes, got one of {source.nbytes()}")
    _bytes_of(self).copy_(_bytes_of(source))
    return self


def _fill_storage(self, value):
    if not _is_remote(self):
        return _LOCAL["fill_"](self, value)
    _bytes_of(self).fill_(value)
    return self


def _resize_storage(self, size):
    if not _is_remote(self):
        return _LOCAL["resize_"](self, size)
    torch.ops.inductor.resize_storage_bytes_(_bytes_of(self), size)
    return self


def _storage_key(self):
    """No address, but a number that no other storage has: pickle and torch.save tell storages apart by it."""
    if not _is_remote(self):
        return _LOCAL["data_ptr"](self)
    return self._cdata if self.nbytes() > 0 else 0


def _tensor_key(self):
    """Likewise: tools compare it with the storage's, or with another tensor's."""
    address = _tensor_data_ptr(self)
    if not _is_remote(self) or torch._C._dispatch_keys(self).has(torch._C.DispatchKey.Python) or self.numel() == 0:
        return address  # a class with a __torch_dispatch__ of its own may have no storage
    return self.untyped_storage().data_ptr() + self.storage_offset() * self.element_size()


def _byteswap_storage(self, dtype):
    if not _is_remote(self):
        return _LOCAL["byteswap"](self, dtype)
    values = self.cpu()
    _LOCAL["byteswap"](values, dtype)
    self.copy_(values)


def _write_storage(self, *arguments):
    return _LOCAL["_write_file"](self.cpu() if _is_remote(self) else self, *arguments)


def _read_storage(self, *arguments):
    if not _is_remote(self):
        return _LOCAL["_set_from_file"](self, *arguments)
    values = _Storage(self.nbytes())
    _LOCAL["_set_from_file"](values, *arguments)
    return self.copy_(values)


_Storage.copy_ = _copy_storage
_Storage.fill_ = _fill_storage
_Storage.resize_ = _resize_storage
_Storage.byteswap = _byteswap_storage
_Storage.data_ptr = _storage_key
_Storage._write_file = _write_storage
_Storage._set_from_file = _read_storage
torch.Tensor.data_ptr = _tensor_key


def _when_idle(switch):
    """An embedded worker shares these settings with the program: what was recorded runs with those it was made for."""

    @functools.wraps(switch)
    def set_when_idle(*arguments):
        _ops.finish_embedded()
        return switch(*arguments)

    return set_when_idle


for _name in ("_set_default_dtype", "_set_default_tensor_type", "_set_mkldnn_enabled", "_set_float32_matmul_precision",
              "_set_fp32_precision_setter"):
    setattr(torch._C, _name, _when_idle(getattr(torch._C, _name)))


_select_conv_backend = torch._C._select_conv_backend


def _select_workers_conv_backend(*arguments, **options):
    """FakeTensor asks which kernel convolves, and takes the layout of the result from it."""

    def on_cpu(value):
        if not isinstance(value, torch.Tensor) or not _is_remote(value):
            return value
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="cpu")

    return _select_conv_backend(*map(on_cpu, arguments), **{name: on_cpu(value) for name, value in options.items()})


torch._C._select_conv_backend = _select_workers_conv_backend


_Inductor = torch._TorchCompileInductorWrapper
_compile_by_inductor = _Inductor.__call__


def _compile(self, model, inputs, **options):
    """torch.compile's default backend writes kernels for processors that it knows."""
    values = torch.utils._pytree.tree_leaves([node.meta.get("example_value") for node in model.graph.nodes])
    if not any(isinstance(value, torch.Tensor) and _is_remote(value) for value in values):
        return _compile_by_inductor(self, model, inputs, **options)
    warnings.warn("torch.compile: the backend 'inductor' has no kernels for a remote device; the graph runs op by op, "
                  "as with backend='eager'")
    return model.forward


_Inductor.__call__ = _compile


def _devices_with_foreach():
    """Where torch.optim takes a step of all parameters as ops on lists, unless it is told: a CPU has another default,
    which rounds otherwise."""
    devices = _foreach_devices()
    return [device for device in devices if device != "remote"] if _ops.computes_on_cpu() else devices


_foreach_devices = torch.utils._foreach_utils._get_foreach_kernels_supported_devices
for _name in ("torch.optim.optimizer", "torch.optim.swa_utils"):
    sys.modules[_name]._get_foreach_kernels_supported_devices = _devices_with_foreach

_data_parallel = sys.modules["torch.nn.parallel.data_parallel"]
_devices_of_process = _data_parallel._get_available_device_type


def _devices_to_split_over():
    """torch.nn.DataParallel passes batches through where a process has no GPU of its own."""
    device = _devices_of_process()
    return None if device == "remote" else device


_data_parallel._get_available_device_type = _devices_to_split_over
