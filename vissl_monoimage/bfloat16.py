"""Whether bfloat16 pays on this CPU: without instructions for it, it is emulated and costs many times float32."""

from __future__ import annotations

import functools

import torch

FLOAT32_COST = 2.0
"""Minutes of a training in float32 for one in bfloat16, on a CPU with instructions for it."""


@functools.cache
def cpu_has_bfloat16() -> bool:
    """Whether oneDNN, which computes torch's convolutions on CPUs, has bfloat16 of its own here."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
