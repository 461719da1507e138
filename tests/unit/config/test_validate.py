"""The check before a run: silent on what is right, and every mistake named at once on what is not."""

import copy
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import configs
from vissl_monoimage.config.compose import compose_config, vissl_defaults
from vissl_monoimage.config.validate import problems_of
from vissl_monoimage.launch import _plain, prepare

Problems = Callable[..., list[str]]
ROTNET = "config=pretrain/rotnet/rotnet_8gpu_resnet"
SPLITS = ("TRAIN", "TEST")
CPU = ["config.DATA.TRAIN.DATA_SOURCES=[synthetic]", "config.DATA.TEST.DATA_SOURCES=[synthetic]"]


def full_vissl_configs() -> list[str]:
    """VISSL's whole pretraining YAMLs: those that name a trunk and an optimizer themselves."""
    root = Path(configs.__file__).parent / "config"
    texts = {path: path.read_text() for path in sorted((root / "pretrain").rglob("*.yaml"))}
    return [
        str(path.relative_to(root).with_suffix(""))
        for path, text in texts.items()
        if "TRUNK" in text and "num_epochs" in text and "TRAIN" in text
    ]


def test_vissl_has_the_full_configs_this_test_is_about() -> None:
    assert len(full_vissl_configs()) >= 22


@pytest.mark.parametrize("name", full_vissl_configs())
def test_no_config_of_vissl_is_called_wrong(problems: Problems, name: str) -> None:
    """With synthetic images and labels in place of data sets that are not on this machine."""
    data = compose_config([f"config={name}"]).config.DATA
    labels = [f"config.DATA.{split}.LABEL_SOURCES=[synthetic]" for split in SPLITS if data[split].LABEL_SOURCES]
    assert problems(f"config={name}", *CPU, *labels) == []


def test_all_mistakes_are_named_together_with_their_nearest_match(problems: Problems) -> None:
    found = "\n".join(
        problems(
            ROTNET,
            *CPU,
            "+config/pretrain/rotnett=x",
            "+stray=1",
            "+config.OPTIMIZR.lr=3",
            "config.TRAINER.TRAIN_STEP_NAME=standard_train_stp",
            "config.TRAINER.TASK_NAME=monoimage_tsk",
            "config.MODEL.TRUNK.NAME=resnt",
            "config.LOSS.name=cross_entropy_multiple_output_single_targets",
            "config.MODEL.HEAD.PARAMS=[[mpl,{dims:[2048,4]}]]",
            "config.DATA.TRAIN.COLLATE_FUNCTION=simclr_colator",
        )
    )
    for expected in (
        "no overlays in 'config/pretrain/rotnett': did you mean '+config/pretrain/rotnet='?",
        "unknown top-level key 'stray'",
        "unknown key 'config.OPTIMIZR': did you mean 'config.OPTIMIZER'?",
        "'standard_train_stp': did you mean 'standard_train_step'?",
        "'monoimage_tsk': did you mean 'monoimage_task'?",
        "'resnt': did you mean 'resnet'?",
        "did you mean 'cross_entropy_multiple_output_single_target'?",
        "'mpl': did you mean 'mlp'?",
        "'simclr_colator': did you mean 'simclr_collator'?",
    ):
        assert expected in found


def test_unknown_data_source_and_transform(problems: Problems) -> None:
    found = "\n".join(
        problems(
            ROTNET,
            "config.DATA.TRAIN.DATA_SOURCES=[synthetc]",
            "config.DATA.TEST.DATA_SOURCES=[synthetic]",
            "config.DATA.TEST.TRANSFORMS=[{name: ToTensr}]",
        )
    )
    assert "'synthetc': did you mean 'synthetic'?" in found
    assert "'ToTensr': did you mean 'ToTensor'?" in found


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["config=pretrain/rotnet/rotnt_8gpu_resnet"], "did you mean 'pretrain/rotnet/rotnet_8gpu_resnet'?"),
        (["config=rotnet_8gpu_resnet"], "did you mean 'pretrain/rotnet/rotnet_8gpu_resnet'?"),
        ([ROTNET, "config.OPTIMIZER.num_epoch=3"], "did you mean 'config.OPTIMIZER.num_epochs'?"),
        ([ROTNET, "config.OPTIMIZER"], "missing EQUAL"),
        ([ROTNET, "config.OPTIMIZR.num_epochs=3"], "unknown key 'config.OPTIMIZR': did you mean 'config.OPTIMIZER'?"),
        ([ROTNET, "confg=3"], "unknown key 'confg': did you mean 'config'?"),
        ([ROTNET, "stray=3"], "unknown key 'stray': 'the configuration' has"),
        (
            [ROTNET, "config.MODEL.TRUNK.NAME.x=3"],
            "unknown key 'config.MODEL.TRUNK.NAME.x': 'config.MODEL.TRUNK.NAME' is a value, not a block of keys",
        ),
        (
            [ROTNET, "+config.LOSS.mine.weight=1", "config.LOSS.mine.temperature=2"],
            "unknown key 'config.LOSS.mine.temperature': 'config.LOSS.mine' has weight; "
            "a key that is new on purpose takes a '+' before it: +config.LOSS.mine.temperature=...",
        ),
        ([ROTNET, "config.CHECKPOINT.DIR=${nowhere}"], "nowhere"),
        ([ROTNET, *CPU, "config.OPTIMIZER.num_epochs=5"], "milestone 100 is not before the end at epoch 5"),
        ([ROTNET, *CPU, "config.METERS.accuracy_list_meter.num_meters=3"], "num_meters=3 must be 1"),
        ([ROTNET, "config.DATA.TRAIN.DATA_PATHS=[/nowhere/at/all]"], "nothing at '/nowhere/at/all'"),
        ([ROTNET, "config.DATA.TRAIN.DATASET_NAMES=[single_imge]"], "did you mean 'single_image'?"),
        ([ROTNET, *CPU, "config.DATA.TRAIN.DATA_PATHS=me.jpg"], "DATA_PATHS=me.jpg must be a list: [me.jpg]"),
        ([ROTNET, *CPU, "config.OPTIMIZER.num_epochs=0"], "num_epochs=0 must be a whole number of at least 1"),
        ([ROTNET, *CPU, "config.MACHINE.DEVICE=cuda"], "unknown device (config.MACHINE.DEVICE) 'cuda'"),
        ([ROTNET, *CPU, "config.SEED_VALUE=-1"], "SEED_VALUE=-1 must be a whole number from 0 to 4294967295"),
        ([ROTNET, *CPU, "config.SEED_VALUE=4294967296"], "SEED_VALUE=4294967296 must be a whole number from 0"),
        (
            [ROTNET, *CPU, "config.MODEL.TRUNK.RESNETS.DEPTH=18"],
            "DEPTH=18: VISSL's resnet has 50, 101, 152, 200, or take ours: config.MODEL.TRUNK.NAME=resnet18",
        ),
        (
            [
                "config=benchmark/monoimage/linear_photo_patches",
                "config.MODEL.TRUNK.NAME=resnet",
                "config.MODEL.TRUNK.RESNETS.DEPTH=18",
            ],
            "DEPTH=18: VISSL's resnet has 50, 101, 152, 200, or take ours",
        ),
        ([ROTNET, *CPU, "config.MODEL.TRUNK.RESNETS.DEPTH=deep"], "DEPTH='deep' must be a whole number"),
        ([ROTNET, *CPU, "+config.MONOIMAGE.BF61=true"], "did you mean 'BF16'?"),
        ([ROTNET, *CPU, "+config.MONOIMAGE.BF16=3"], "config.MONOIMAGE.BF16=3 must be true or false"),
    ],
)
def test_one_sentence_says_what_is_wrong(problems: Problems, overrides: list[str], expected: str) -> None:
    found = problems(*overrides)
    assert any(expected in problem for problem in found), found
    assert all("Traceback" not in problem for problem in found)


def test_folder_that_is_a_file(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    found = problems(ROTNET, *CPU, f"config.CHECKPOINT.DIR={tmp_path}/taken/run")
    assert any(f"'{tmp_path}/taken' is a file" in problem for problem in found)


@functools.cache
def a_right_config() -> dict[str, Any]:
    return _plain(compose_config([ROTNET, *CPU]))


@settings(max_examples=25, deadline=None)
@given(st.text("abcdefghijklmnopqrstuvwxyz_", min_size=3, max_size=12))
def test_any_unregistered_trunk_is_refused_with_the_choices(name: str) -> None:
    composed = copy.deepcopy(a_right_config())
    composed["config"]["MODEL"]["TRUNK"]["NAME"] = "no_" + name
    assert any(
        "unknown trunk" in found and "alexnet_rotnet" in found for found in problems_of(composed, vissl_defaults())
    )


def test_data_paths_are_enough_for_a_data_set_that_no_catalog_has(tmp_path: Path) -> None:
    """VISSL itself stops with `Dataset 'imagenet1k_folder' is not registered!` in a traceback."""
    from vissl.data import get_data_files

    (tmp_path / "cat").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "cat" / "a.png")
    folder = f"config.DATA.TRAIN.DATA_PATHS=[{tmp_path}]"
    composed = compose_config([ROTNET, folder, "config.DATA.TRAIN.DATASET_NAMES=[cats]", "config.TEST_MODEL=false"])
    prepare(composed)
    assert get_data_files("TRAIN", composed.config.DATA) == [[str(tmp_path)], []]


def test_preparing_takes_our_task_and_an_absolute_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    composed = compose_config(
        [ROTNET, *CPU, "config.CHECKPOINT.DIR=here", "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=5"]
    )
    prepare(composed)
    assert composed.config.TRAINER.TASK_NAME == "monoimage_task"
    assert str(tmp_path / "here") == composed.config.CHECKPOINT.DIR
    assert composed.config.CHECKPOINT.USE_SYMLINK_CHECKPOINT_FOR_RESUME is True
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "asked", ["AUTO_RESUME=false", "OVERWRITE_EXISTING=true", "LATEST_CHECKPOINT_RESUME_FILE_NUM=2"]
)
def test_another_checkpoint_than_the_latest_is_asked_for(tmp_path: Path, asked: str) -> None:
    folder = f"config.CHECKPOINT.DIR={tmp_path}"
    composed = compose_config(
        [ROTNET, *CPU, folder, "config.CHECKPOINT.CHECKPOINT_ITER_FREQUENCY=5", f"config.CHECKPOINT.{asked}"]
    )
    prepare(composed)
    assert not composed.config.CHECKPOINT.USE_SYMLINK_CHECKPOINT_FOR_RESUME


def test_a_folder_of_images_has_a_folder_a_class_and_an_image_in_each(problems: Problems, tmp_path: Path) -> None:
    values = {"DATA_SOURCES": "disk_folder", "DATA_PATHS": tmp_path, "DATASET_NAMES": "mine"}
    overrides = [f"config.DATA.{split}.{key}=[{value}]" for split in ("TRAIN", "TEST") for key, value in values.items()]
    assert any("there is no folder of a class in it" in found for found in problems(ROTNET, *CPU, *overrides))
    (tmp_path / "cat").mkdir()
    (tmp_path / "dog").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "cat" / "a.PNG")
    sentences = [found for found in problems(ROTNET, *CPU, *overrides) if "no image in" in found]
    assert sentences
    assert all("dog" in found for found in sentences)
    Image.new("RGB", (4, 4)).save(tmp_path / "dog" / "a.jpg")
    assert not [found for found in problems(ROTNET, *CPU, *overrides) if "class" in found]


def test_more_classes_than_a_head_has_outputs_are_refused(problems: Problems, tmp_path: Path) -> None:
    for number in range(11):
        (tmp_path / f"{number:02}").mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / f"{number:02}" / "a.png")
    probe = ["config=benchmark/monoimage/linear_cifar10"]
    for split in ("TRAIN", "TEST"):
        probe += [f"config.DATA.{split}.{key}=[disk_folder]" for key in ("DATA_SOURCES", "LABEL_SOURCES")]
        probe += [f"config.DATA.{split}.DATA_PATHS=[{tmp_path}]", f"config.DATA.{split}.DATASET_NAMES=[mine]"]
    message = f"'{tmp_path}' has 11 classes, and linear_probe (config.MODEL.HEAD.PARAMS) has 10 outputs"
    assert problems(*probe) == [f"config.DATA.TRAIN.DATA_PATHS: {message}"]
    (tmp_path / "10" / "a.png").unlink()
    (tmp_path / "10").rmdir()
    assert problems(*probe) == []


def test_a_folder_without_torchvisions_own_is_reported(problems: Problems, tmp_path: Path) -> None:
    probe = ["config=benchmark/monoimage/linear_cifar100"]
    probe += [f"config.DATA.{split}.DATA_PATHS=[{tmp_path}]" for split in ("TRAIN", "TEST")]
    message = f"there is no cifar-100-python/ in '{tmp_path}', as torchvision unpacks CIFAR100"
    assert [problem.partition(": ")[2] for problem in problems(*probe)] == [message, message]
    (tmp_path / "cifar-100-python").mkdir()
    assert problems(*probe) == []
