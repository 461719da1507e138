"""What the run of a folder computes, written before it starts, so that no other run resumes from its checkpoints.

`run.json` has the settings that decide a result, and a hash of everything that the run reads: photos, weights, data.
A rerun may differ in nothing else than where and how verbosely it runs (see `provenance.deciding_settings`).
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.ledger.path_hash import PathHash
from vissl_monoimage.utils.atomic_write import replace_text

FILE_NAME = "run.json"
_MOST_NAMED = 5
_LONGEST = 60


@dataclasses.dataclass(frozen=True)
class Claim:
    """What decides the result of a run.

    Attributes:
        settings: dotted key -> value, as JSON has it.
        contents: dotted key -> what lies at the path that this key names.
    """

    settings: Mapping[str, Any]
    contents: Mapping[str, PathHash]

    @classmethod
    def of(cls, settings: Mapping[str, Any], contents: Mapping[str, PathHash], prefix: str = "config") -> Claim:
        """Make a claim of nested `settings`, whose dotted keys begin with `prefix`.

        Keys that begin with an underscore are left out: VISSL derives their values from others.
        """
        return cls(_flat(json.loads(json.dumps(settings, default=str)), prefix), contents)


def claim_folder(folder: Path, claim: Claim, *, overwrite: bool = False, remedy: str) -> None:
    """Note in `folder` what its run computes, or refuse where it holds checkpoints of a run of something else.

    A folder without checkpoints is free for anything. One of a version without claims is claimed with a sentence that
    the origin of its checkpoints is unknown.

    Args:
        folder: an existing folder, held by this process (`folder_lock`).
        claim: what is to be run in it.
        overwrite: whether to remove the checkpoints of another run instead of refusing.
        remedy: what the user can do instead, the end of the sentence.

    Raises:
        MonoImageError: naming each setting and content that differs, what it was and what it is now.
    """
    checkpoints = sorted({*folder.glob("model_*.torch"), *folder.glob("checkpoint.torch")})
    if checkpoints:
        before = _read(folder / FILE_NAME)
        if before is None:
            print(
                f"'{folder}' has checkpoints of an unknown origin, made by a version that did not note it: whether "
                "photos, data, weights and settings are still the same cannot be checked",
                file=sys.stderr,
            )
        elif differences := _differences(before, claim):
            if not overwrite:
                raise MonoImageError(f"'{folder}' holds checkpoints of another run ({_some(differences)}): {remedy}")
            for file in checkpoints:
                file.unlink()
    replace_text(folder / FILE_NAME, json.dumps(dataclasses.asdict(claim), indent=1) + "\n")


def _read(file: Path) -> Claim | None:
    if not file.is_file():
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        contents = {key: PathHash(**value) for key, value in values["contents"].items()}
        return Claim(dict(values["settings"]), contents)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise MonoImageError(
            f"'{file}' is damaged, so that the origin of the checkpoints beside it is unknown: delete it to resume "
            "from them all the same, or choose another folder"
        ) from None


def _differences(before: Claim, now: Claim) -> list[str]:
    """Return what differs, contents first, as "key: was ..., now ..."."""
    contents = [
        f"{key}: was {before.contents.get(key, 'absent')}, now {now.contents.get(key, 'absent')}"
        for key in {**before.contents, **now.contents}
        if _sha256(before, key) != _sha256(now, key)
    ]
    settings = [
        f"{key}: was {_short(before.settings, key)}, now {_short(now.settings, key)}"
        for key in {**now.settings, **before.settings}
        if (key in before.settings, before.settings.get(key)) != (key in now.settings, now.settings.get(key))
    ]
    return contents + settings


def _sha256(claim: Claim, key: str) -> str | None:
    content = claim.contents.get(key)
    return content.sha256 if content else None


def _short(settings: Mapping[str, Any], key: str) -> str:
    if key not in settings:
        return "absent"
    text = json.dumps(settings[key])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _some(differences: list[str]) -> str:
    rest = f" and {len(differences) - _MOST_NAMED} more" if len(differences) > _MOST_NAMED else ""
    return "; ".join(differences[:_MOST_NAMED]) + rest


def _flat(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {key: value}
    return {
        name: leaf for inner in value if inner[0] != "_" for name, leaf in _flat(value[inner], f"{key}.{inner}").items()
    }
