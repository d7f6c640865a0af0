"""Tensors to pass as out=."""

import torch


def _reversed(result, device):
    """Of the right size, with the first dimension innermost, and never used before."""
    strides = torch.empty(result.shape[::-1], device="meta").stride()[::-1]
    return torch.empty_strided(result.shape, strides, dtype=result.dtype, device=device)


KINDS = {
    "of no size": lambda result, device: torch.empty(0, dtype=result.dtype, device=device),
    "of another size": lambda result, device: torch.zeros((*result.shape, 2), dtype=result.dtype, device=device),
    "new, of another size": lambda result, device: torch.empty((3, *result.shape), dtype=result.dtype, device=device),
    "in another order": _reversed,
}

# LibTorch's own CPU code fails with such outs: it writes beyond them, or in the wrong order, or leaves parts unwritten.
_IHFFT = {"fft.ihfft2", "fft.ihfftn"}
WRONG_ON_CPU = {
    "in another order": _IHFFT | {"tril", "triu", "lu_solve", "lu_unpack", "linalg.lu", "nn.functional.gelu"},
    "new, of another size": _IHFFT,
}


def are_tensors(results):
    parts = results if isinstance(results, (tuple, list)) else (results,)
    return len(parts) > 0 and all(isinstance(part, torch.Tensor) and part.layout == torch.strided for part in parts)


def like(results, make, device):
    """One out for each result, in the form in which an op takes them."""
    if isinstance(results, torch.Tensor):
        return make(results, device)
    return tuple(make(result, device) for result in results)
