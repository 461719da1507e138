"""What VISSL's launcher reads beside the configuration of a training: the engine, the node, how processes meet."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from vissl_monoimage.config.checks import Settings
from vissl_monoimage.config.schema import as_written, fits
from vissl_monoimage.config.validate_types import at
from vissl_monoimage.errors import unknown

ENGINES = ("train", "extract_features", "extract_cluster")
"""Of VISSL, which keeps the registry of them private."""
_PLACE = re.compile(r"(?P<host>[^\s:/]+):(?P<port>\d+)", re.ASCII)
_THIS_MACHINE = ("localhost", "127.0.0.1")
_MOST_PORTS = 65535


def check_launch(composed: Settings) -> Iterator[str]:
    """Refuse an engine or a node number that VISSL does not have, and a backend that the device or torch lacks.

    Args:
        composed: the whole composed configuration.
    """
    engine: Any
    node: Any
    engine, node, version = composed.get("engine_name"), composed.get("node_id"), composed.get("VERSION")
    if engine not in ENGINES:
        yield unknown("engine (engine_name)", engine, ENGINES)
    if not fits(node, int) or node < -1:
        yield f"node_id={as_written(node)} must be the number of this machine from 0, or -1 where SLURM says it"
    if not fits(version, int):
        yield f"VERSION={as_written(version)} must be a whole number: that of VISSL's configurations is 1"
    yield from _backend(composed["config"])


def meeting_problems(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield why the processes of a run that starts on this machine could not meet; SLURM says itself where they do."""
    place = config["DISTRIBUTED"]["RUN_ID"]
    if config["DISTRIBUTED"]["INIT_METHOD"] != "tcp" or place == "auto" or config["SLURM"]["USE_SLURM"]:
        return
    where, match = f"config.DISTRIBUTED.RUN_ID={as_written(place)}", _PLACE.fullmatch(place)
    if not match or not 0 < int(match["port"]) <= _MOST_PORTS:
        yield f"{where} must be HOST:PORT with a port from 1 to {_MOST_PORTS}, or auto"
    elif match["host"] in _THIS_MACHINE:
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind((match["host"], int(match["port"])))
            except OSError as error:
                yield f"{where}: the port cannot be used ({error.strerror}); choose another, or auto"


def _backend(config: Settings) -> Iterator[str]:
    from torch.distributed import is_mpi_available

    where, backend = "config.DISTRIBUTED.BACKEND", at(config, "DISTRIBUTED.BACKEND")
    if at(config, "MACHINE.DEVICE") == "cpu" and backend == "nccl":
        yield f"{where}=nccl is for GPUs: on config.MACHINE.DEVICE=cpu take {where}=gloo"
    if backend == "mpi" and not is_mpi_available():
        yield f"{where}=mpi: this torch was built without MPI: take gloo, or nccl on GPUs"
