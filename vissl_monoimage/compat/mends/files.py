"""Files that VISSL reads and writes, and the log of its launcher."""

from __future__ import annotations

import functools
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from vissl_monoimage.compat.import_hooks import MENDS
from vissl_monoimage.compat.source_edit import edit, original, replace
from vissl_monoimage.errors import MonoImageError


@MENDS.after("vissl.data.ssl_transforms.shuffle_img_patches")
def jigsaw_permutations(transform: ModuleType) -> None:
    """`HTTPError`, or hours offline: vissl/data/ssl_transforms/shuffle_img_patches.py fetches a file of permutations.

    They are made here, once, without the network (see `permutations`). Guard: `perm_file` is no URL.
    """
    from vissl_monoimage.compat.permutations import local_file

    load_perms = original(transform.ShuffleImgPatches, "_load_perms")

    def wrapper(self: Any) -> None:
        if transform.is_url(self.perm_file):
            self.perm_file = str(local_file(self.perm_file) or self.perm_file)
        load_perms(self)

    replace(transform.ShuffleImgPatches, "_load_perms", wrapper)


_LOAD = (r"torch\.load\(", "monoimage_load(")
_TO_CONFIG = (r"config=(content\[.*?\])", r"config=AttrDict(\1)")  # the loader returns a plain dict
_LOADERS: dict[str, dict[str, list[tuple[str, str]]]] = {
    "classy_vision.generic.util": {"load_checkpoint": [_LOAD]},
    "vissl.utils.checkpoint": {
        "CheckpointFormatConverter._read_shards": [_LOAD],
        "SlicedCheckpointLoader._init_weight_from_slice": [_LOAD],
    },
    "vissl.utils.cluster_utils": {"ClusterAssignmentLoader.load_cluster_assigment": [_LOAD, _TO_CONFIG]},
}


@MENDS.after(*_LOADERS)
def safe_checkpoints(module: ModuleType) -> None:
    """`UnpicklingError: Weights only load failed` (torch 2.6) at the bare `torch.load` of three modules.

    Of classy_vision/generic/util.py, vissl/utils/checkpoint.py and vissl/utils/cluster_utils.py. VISSL's own files
    load; any other is refused with one sentence. No code in a file is ever run.
    """
    from vissl_monoimage.compat.process_settings import allow_vissl_types
    from vissl_monoimage.utils import safe_load

    allow_vissl_types()
    module.monoimage_load = safe_load.load  # type: ignore[attr-defined]
    for name, replacements in _LOADERS[module.__name__].items():
        edit(attrgetter(name)(module), *replacements)


@MENDS.after("vissl.utils.checkpoint")
def atomic_checkpoints(checkpoint: ModuleType) -> None:
    """A run killed while it saves leaves half a checkpoint, which the next start picks and cannot read.

    vissl/utils/checkpoint.py writes the file and the link to it in place; here both are complete or absent.
    """
    from vissl_monoimage.compat import checkpoint_files

    replace(checkpoint, "save_checkpoint", checkpoint_files.save_checkpoint)
    replace(checkpoint, "create_file_symlink", checkpoint_files.create_file_symlink)


@MENDS.after("vissl.utils.io")
def named_files(io: ModuleType) -> None:
    """`OSError: [Errno 28] No space left on device`, and not of which file: vissl/utils/io.py.

    One sentence names it: `metrics.json`, features that are extracted.
    """
    save_file = original(io, "save_file")

    @functools.wraps(save_file)
    def wrapper(data: Any, filename: Any, *args: Any, **kwargs: Any) -> None:
        try:
            save_file(data, filename, *args, **kwargs)
        except OSError as error:  # numpy's has no errno
            raise MonoImageError(f"cannot write {filename}: {error.strerror or error}") from error

    replace(io, "save_file", wrapper)


@MENDS.after("vissl.utils.distributed_launcher")
def resumable_folder(launcher: ModuleType) -> None:
    """A damaged checkpoint ends every further start in a traceback, or trains on: vissl/utils/distributed_launcher.py.

    It is set aside before VISSL looks for the checkpoint to resume from, and what killed processes left half written is
    removed.
    """
    from vissl_monoimage.compat import checkpoint_files

    get_checkpoint_folder = original(launcher, "get_checkpoint_folder")

    def wrapper(config: Any) -> Any:
        folder = get_checkpoint_folder(config)
        checkpoint_files.prepare_folder(config, Path(folder))
        return folder

    replace(launcher, "get_checkpoint_folder", wrapper)


@MENDS.after("vissl.utils.distributed_launcher")
def launcher_error(launcher: ModuleType) -> None:
    """`TypeError: not all arguments converted` hides the real error in vissl/utils/distributed_launcher.py.

    And a run stopped with Ctrl-C ends there with status 0, as if it were finished.
    """
    edit(
        launcher.launch_distributed,
        (r'logging\.error\("Wrapping up, caught exception: ", e\)', 'logging.info("Wrapping up, caught %r", e)'),
        (r"if isinstance\(e, RuntimeError\):", "if True:"),
    )


@MENDS.after("vissl.trainer.trainer_main")
def hooks_of_interrupts(trainer_main: ModuleType) -> None:
    """A step that Ctrl-C interrupts leaves the terminal without a cursor: vissl/trainer/trainer_main.py.

    It calls `on_exception` of the hooks, which would stop the progress bar, for `Exception` alone.
    """
    edit(trainer_main.SelfSupervisionTrainer.train, ("except Exception as e:", "except BaseException as e:"))
