"""Whether bfloat16 pays on this CPU: without instructions for it, it is emulated and costs many times float32."""

from __future__ import annotations

import torch

FLOAT32_COST = 2.0
"""Minutes of a training in float32 for one in bfloat16, on a CPU with instructions for it."""
_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # the last is ARM's


def cpu_has_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16; AVX-512 alone emulates it."""
    has = torch.cpu.get_capabilities()
    return any(has.get(name) for name in _INSTRUCTIONS)
