"""bfloat16: how a forward pass runs in it, and whether it pays on this CPU."""

from __future__ import annotations

import torch

FLOAT32_COST = 2.0
"""Time of a training in float32 over that in bfloat16, on a CPU with instructions for it."""
_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16")  # the last is ARM's


def cpu_has_bfloat16() -> bool:
    """Return whether this CPU has instructions for bfloat16; others emulate it, at many times the cost of float32."""
    if not hasattr(torch.cpu, "get_capabilities"):  # in torch 2.6, for one
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in _INSTRUCTIONS)


def autocast(device_type: str, enabled: bool) -> torch.autocast:
    """Return a context in which networks compute in bfloat16, or in float32 where `enabled` is false.

    Args:
        device_type: "cpu" or "cuda", as `torch.device.type` has it.
        enabled: what `config.MONOIMAGE.BF16` says; false also switches off an autocast around it.
    """
    return torch.autocast(device_type, dtype=torch.bfloat16, enabled=enabled)
