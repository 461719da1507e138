"""The line in the environment's site-packages that lets Python itself load the watch for VISSL at every start.

With it VISSL's own tools run as its documentation says, and find our configs, trunks and tasks.
"""

from __future__ import annotations

import site
import sysconfig
from pathlib import Path

from vissl_monoimage.errors import MonoImageError

NAME = "vissl_monoimage_startup.pth"
# Whatever happens to this package, Python must start as if the line were not there.
LINE = r'import sys; exec("try:\n    import vissl_monoimage\nexcept Exception:\n    pass")' + "\n"


def find() -> Path | None:
    """Return the file that holds the line, or None."""
    return next((path for path in _candidates() if path.is_file()), None)


def write() -> Path:
    """Write the line and return its file.

    Raises:
        MonoImageError: no folder of packages can be written.
    """
    problem = None
    for path in _candidates():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(LINE, encoding="utf-8")
            return path
        except OSError as error:
            problem = problem or f"'{path}' cannot be written: {error.strerror}"
    raise MonoImageError(str(problem))


def remove() -> Path | None:
    """Remove the line and return the file it was in, or None where there was none.

    Raises:
        MonoImageError: the file cannot be removed.
    """
    path = find()
    if path is not None:
        try:
            path.unlink()
        except OSError as error:
            raise MonoImageError(f"'{path}' cannot be removed: {error.strerror}") from None
    return path


def _candidates() -> list[Path]:
    """Return where the line may be: in the environment, or in the user's own packages where Python reads them."""
    folders = [sysconfig.get_path("purelib")]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return [Path(folder, NAME) for folder in folders]
