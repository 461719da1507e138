"""Whether bfloat16 pays on this CPU: without instructions for it, it is emulated and costs many times float32."""

from __future__ import annotations

import functools
import platform

import torch

FLOAT32_COST = 2.0
"""Minutes of a training in float32 for one in bfloat16, on a CPU with instructions for it."""


@functools.cache
def cpu_has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 by itself.

    On x86 oneDNN says yes to any AVX-512, which emulates it; there the instructions themselves are asked for.
    """
    if platform.machine() in ("x86_64", "AMD64"):
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
