"""`from_pretrained`, `save_pretrained` and `push_to_hub` of Hugging Face's hub, where its package is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn, cast

from vissl_monoimage.errors import MonoImageError

_MISSING = "needs the package huggingface_hub: pip install 'vissl-monoimage[hub]'"

try:
    from huggingface_hub import PyTorchModelHubMixin, snapshot_download
except ImportError:

    class HubMixin:
        """The three methods where huggingface_hub is not installed: each says so."""

        @classmethod
        def from_pretrained(cls, *_: Any, **__: Any) -> NoReturn:
            raise MonoImageError(f"from_pretrained {_MISSING}; vissl_monoimage.load_trunk(FOLDER) does not")

        def save_pretrained(self, *_: Any, **__: Any) -> NoReturn:
            raise MonoImageError(f"save_pretrained {_MISSING}")

        def push_to_hub(self, *_: Any, **__: Any) -> NoReturn:
            raise MonoImageError(f"push_to_hub {_MISSING}")

else:

    class HubMixin(PyTorchModelHubMixin):  # type: ignore[no-redef]
        """Hugging Face's mixin, reading and writing the folders of `monoimage export`."""

        def _save_pretrained(self, save_directory: Path) -> None:
            from vissl_monoimage.export.folder import write_folder

            write_folder(cast(Any, self), save_directory, keep_card=True)

        @classmethod
        def _from_pretrained(cls, *, model_id: str, **options: Any) -> Any:
            from vissl_monoimage.export.config import FILE_NAME, WEIGHTS_NAME
            from vissl_monoimage.export.load import load_trunk

            layers = options.get("layers")
            if Path(model_id).is_dir():
                return load_trunk(model_id, layers=layers)
            kept = ("revision", "cache_dir", "force_download", "local_files_only", "token")
            download = {key: options[key] for key in kept if key in options}
            folder = snapshot_download(model_id, allow_patterns=[FILE_NAME, WEIGHTS_NAME], **download)
            return load_trunk(folder, layers=layers)
