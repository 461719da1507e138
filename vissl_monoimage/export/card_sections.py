"""The sections of a model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vissl_monoimage.export.config import TrunkConfig
from vissl_monoimage.export.facts import NO_LICENCE, PHOTO
from vissl_monoimage.ledger.machine import DIRTY
from vissl_monoimage.report.formats.markdown import piped_table, table_as_markdown
from vissl_monoimage.report.tables.text_table import TextTable

_LISTED = 20  # photos; the others are counted

_NOTE = (
    "± is half the width of the 95 % t-interval over independently trained trunks; a single trunk (n=1) has none. "
    "Below these weights: all seeds of their experiment, and random weights."
)
_USE = """\
## Use

```python
import torch
from PIL import Image
from vissl_monoimage import load_trunk  # pip install vissl-monoimage; VISSL is not needed

trunk = load_trunk("FOLDER")  # this folder; from the hub: PretrainedTrunk.from_pretrained("USER/NAME")
with torch.no_grad():
    features = trunk(trunk.transform(Image.open("photo.jpg"))[None])  # {layer: feature}
```"""


def layers(config: TrunkConfig, shapes: Mapping[str, Sequence[int]]) -> str:
    """Return how to use the trunk, and the shape of each layer's features."""
    rows = [[f"`{layer}`", " x ".join(map(str, shapes[layer]))] for layer in config.layers]
    size = f"For images of {config.input_size} x {config.input_size} px:"
    return "\n\n".join([_USE, size, piped_table(["layer", "shape of an image's feature"], rows)])


def images(config: TrunkConfig) -> str:
    """Return the size and normalisation of images, and how they are known."""
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (config.mean, config.std))
    return (
        "## Images\n\n"
        f"RGB, {config.input_size} x {config.input_size} px, values from 0 to 1, then mean {mean} and standard "
        f"deviation {std} by channel. Normalisation from: {config.normalisation_from}."
    )


def training(config: TrunkConfig) -> str:
    """Return what made the weights: photos, recipe, method, command."""
    facts, run = config.facts, config.facts.get("run")
    file = facts.get("checkpoint", {})
    known = f"The weights are those of the checkpoint with sha256 `{file.get('sha256', 'unknown')}`"
    if not run:
        return f"## Training\n\n{known}. How they were trained is unknown: no ledger had a row of their run."
    seen = run["images_seen"]
    recipe = ", ".join(f"{key} {value}" for key, value in run["recipe"].items())
    lines = {
        "method": run["method"],
        "configuration": run["name"],
        "training data" if run["kind"] == "pretrain" else "data of the probe": run["dataset"],
        "source images": "unknown" if run["n_images"] is None else f"{run['n_images']:,}",
        "recipe of the crops": recipe,
        "seed": run["seed"],
        "steps": f"{run['iterations']:,}",
        "images seen": "unknown" if seen is None else f"{seen:,}",
        "initial weights": _initial(run),
        "device": f"{run['device']}, {run['wall_s']:.0f} s",
        "finished": run["finished"],
        "commit": (run["git_sha"] or "unknown").replace(DIRTY, " with uncommitted changes"),
        "configuration hash": run["config_hash"],
        "versions": ", ".join(f"{name} {version}" for name, version in run["versions"].items()),
    }
    rows = [[name, str(value)] for name, value in lines.items() if value not in ("", None)]
    hidden = f" ({PHOTO} stands for a photo without a known licence)" if PHOTO in run["command"] else ""
    command = f"Command{hidden}; of absolute paths it has the last part:\n\n```sh\n{run['command']}\n```"
    parts = ["## Training", f"{known}, {run['relation']}.", *_photos(run), piped_table(["", ""], rows), command]
    return "\n\n".join(parts)


def accuracy(config: TrunkConfig) -> str:
    """Return the accuracies by layer."""
    tables = [table_as_markdown(TextTable(**table)) for table in config.facts.get("tables", [])]
    unknown = "Unknown: no probe of these weights was in the ledgers that this card was made from."
    return "\n\n".join(["## Accuracy by layer", *([_NOTE, *tables] if tables else [unknown])])


def limits(config: TrunkConfig) -> str:
    """Return what the trunk is not, and what is not known of it."""
    return "\n".join(["## Limits", "", *(f"- {sentence}" for sentence in _limits(config))])


def _limits(config: TrunkConfig) -> Iterator[str]:
    run = config.facts.get("run")
    yield "The licence of the weights is not stated: whoever publishes them sets `license` at the top of this file."
    if run and len(run["photos"]) == 1:
        yield "All training images are crops of one photo: what it does not show, the weights have not seen."
    if run and any(photo["licence"] is None for photo in run["photos"]):
        yield "A photo without a known licence is neither named nor shown here: only its hash is given."
    if run and run["relation"] != "the result of the run":
        yield f"The weights are {run['relation']}, not its result."
    if config.normalisation_from.startswith("not known"):
        yield "The normalisation is an assumption."
    if not config.facts.get("tables"):
        yield "Nothing is known of how well any layer does."
    yield "It has no classifier. Nothing but the accuracies above was measured: not bias, safety or robustness."


def _initial(run: Mapping[str, Any]) -> str:
    start = run["initial_weights"]
    file = f", of the file with sha256 {run['weights_sha256']}" if run["weights_sha256"] else ""
    zoo = f", {run['zoo']} of VISSL's model zoo" if run["zoo"] else ""
    return f"{start['origin']}{zoo}{file}"


def _photos(run: Mapping[str, Any]) -> Iterator[str]:
    photos = run["photos"]
    if not photos:
        return
    header = ["photo", "credit", "licence", "sha256"]
    rows = [
        [photo["name"] or "not named", photo["credit"] or "-", photo["licence"] or NO_LICENCE, f"`{photo['sha256']}`"]
        for photo in photos[:_LISTED]
    ]
    yield piped_table(header, rows)
    count = run["n_images"] or len(photos)
    if len(rows) < count:
        yield f"And {count - len(rows):,} more."
