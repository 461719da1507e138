"""Test images that are training images, found by the bytes of their files."""

from __future__ import annotations

import vissl_monoimage  # noqa: F401  # adapts VISSL before it is imported

# isort: split
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from vissl_monoimage.probe.data_deviations import count_shared

CONTENTS = st.lists(st.binary(max_size=2), max_size=6)


@given(CONTENTS, CONTENTS)
@settings(max_examples=50, deadline=None)
def test_every_test_file_with_the_bytes_of_a_training_file_counts(
    tmp_path_factory: object, train: list[bytes], test: list[bytes]
) -> None:
    folder = Path(tmp_path_factory.mktemp("files"))  # type: ignore[attr-defined]
    files = {name: [folder / f"{name}{number}" for number in range(len(contents))] for name, contents in
             (("train", train), ("test", test))}  # fmt: skip
    for path, content in zip(files["train"] + files["test"], train + test, strict=True):
        path.write_bytes(content)
    expected = sum(content in train for content in test)
    assert count_shared([str(path) for path in files["train"]], [str(path) for path in files["test"]]) == expected
