"""What is seen of a BiGAN: signs that last, the lines of players.jsonl. And its latents, on any number of ranks."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from vissl.config import AttrDict
from vissl.models.heads import get_model_head

from vissl_monoimage.errors import MonoImageError
from vissl_monoimage.pretext.bigan import pairs
from vissl_monoimage.pretext.bigan.diagnostics import DiagnosticsHook, Persistent
from vissl_monoimage.pretext.bigan.pairs import draw_latents

LATENT = 5
NETWORK = {"widths": [2, 2]}
HEAD = get_model_head("bigan")(AttrDict({}), features=3, latent=LATENT, generator=NETWORK, discriminator=NETWORK)


# Signs that last.


def lasting(patience: int, looks: list[tuple[int, bool]]) -> list[bool]:
    watch = Persistent(patience)
    return [watch.observe(step, shown) for step, shown in looks]


def test_a_sign_lasts_when_every_look_for_the_patience_has_shown_it() -> None:
    looks = [(1, False), (50, True), (100, True), (149, True), (150, True), (200, True)]
    assert lasting(100, looks) == [False, False, False, False, True, True]


def test_one_look_without_the_sign_starts_the_count_again() -> None:
    looks = [(0, True), (90, True), (95, False), (100, True), (195, True), (200, True)]
    assert lasting(100, looks) == [False, False, False, False, False, True]


@settings(deadline=None)
@given(patience=st.integers(0, 60), gaps=st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=30))
def test_lasting_is_what_the_looks_back_to_the_last_one_without_it_say(
    patience: int, gaps: list[tuple[int, bool]]
) -> None:
    steps = np.cumsum([gap for gap, _ in gaps]).tolist()
    looks = list(zip(steps, (shown for _, shown in gaps), strict=True))
    expected = []
    for index, (now, _) in enumerate(looks):
        without = [place for place, (_, shown) in enumerate(looks[: index + 1]) if not shown]
        first = (without[-1] + 1) if without else 0  # of the looks that have shown it up to now
        expected.append(first <= index and now - looks[first][0] >= patience)
    assert lasting(patience, looks) == expected


# players.jsonl of a run that goes on.


def line(number: int) -> str:
    return json.dumps({"step": number, "spread": 0.5}) + "\n"


def kept(folder: Path, text: str, iteration: int) -> list[dict[str, float]]:
    """What a resumed run goes on with, and the next line behind it."""
    path = folder / "players.jsonl"
    path.write_text(text)
    DiagnosticsHook().on_start(SimpleNamespace(checkpoint_folder=str(folder), iteration=iteration))
    with path.open("a") as file:
        file.write(line(99))
    found = [json.loads(text) for text in path.read_text().splitlines()]
    assert found.pop() == {"step": 99, "spread": 0.5}
    return found


def test_lines_after_the_checkpoint_are_dropped_and_those_up_to_it_kept(tmp_path: Path) -> None:
    text = "".join(map(line, (1, 50, 100, 150)))
    assert [row["step"] for row in kept(tmp_path, text, 100)] == [1, 50, 100]
    assert kept(tmp_path, text, 0) == []


@pytest.mark.parametrize("length", [1, 9, 12, len(line(3)) - 2])
def test_a_line_that_a_kill_tore_is_dropped_and_the_file_can_be_read_again(tmp_path: Path, length: int) -> None:
    text = line(1) + line(2) + line(3)[:length]
    assert [row["step"] for row in kept(tmp_path, text, 1000)] == [1, 2]


def test_a_line_torn_just_before_its_end_is_one_line_still(tmp_path: Path) -> None:
    text = line(1) + line(2).removesuffix("\n")
    assert [row["step"] for row in kept(tmp_path, text, 1000)] in ([1], [1, 2])


def test_a_torn_line_in_the_middle_costs_that_line_only(tmp_path: Path) -> None:
    text = line(1) + line(2)[:7] + "\n" + line(3)
    assert [row["step"] for row in kept(tmp_path, text, 1000)] == [1, 3]


def test_a_full_disk_costs_no_line_of_the_file(tmp_path: Path) -> None:
    """A file may grow no further than 100 bytes, as on a full disk: the lines up to the checkpoint do not fit."""
    text = "".join(map(line, range(1, 9)))
    (tmp_path / "players.jsonl").write_text(text)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(MonoImageError, match=r"cannot write .*players\.jsonl"):
            DiagnosticsHook().on_start(SimpleNamespace(checkpoint_folder=str(tmp_path), iteration=7))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "players.jsonl").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["players.jsonl"]


def test_a_new_run_has_no_file_before_its_first_look(tmp_path: Path) -> None:
    DiagnosticsHook().on_start(SimpleNamespace(checkpoint_folder=str(tmp_path), iteration=0))
    assert list(tmp_path.iterdir()) == []


# Latents.


def task_at(iteration: int, train: bool = True, seed: int = 0, batches_before: int = 0) -> SimpleNamespace:
    """What a draw depends on; the head is a real one."""
    return SimpleNamespace(
        train=train,
        iteration=iteration,
        losses=[0.0] * batches_before,
        config={"SEED_VALUE": seed},
        device=torch.device("cpu"),
        base_model=SimpleNamespace(heads=[HEAD]),
    )


def drawn_by(rank: int, ranks: int, count: int, task: Any) -> tuple[torch.Tensor, torch.Tensor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "rank", lambda: rank)
        patch.setattr(pairs, "world_size", lambda: ranks)
        return draw_latents(task, count)


@settings(deadline=None)
@given(ranks=st.integers(1, 5), count=st.integers(1, 6), iteration=st.integers(0, 10**6), seed=st.integers(0, 2**40))
def test_all_ranks_together_draw_what_one_process_draws(ranks: int, count: int, iteration: int, seed: int) -> None:
    """Sample k of the global batch is on rank k % ranks, as the sampler deals samples out."""
    alone = drawn_by(0, 1, count * ranks, task_at(iteration, seed=seed))
    shares = [drawn_by(rank, ranks, count, task_at(iteration, seed=seed)) for rank in range(ranks)]
    for whole, parts in zip(alone, zip(*shares, strict=True), strict=True):
        assert all(len(part) == count for part in parts)
        for sample, value in enumerate(whole):
            assert torch.equal(value, parts[sample % ranks][sample // ranks])


@settings(deadline=None)
@given(iteration=st.integers(0, 10**6), seed=st.integers(0, 2**40), train=st.booleans())
def test_latents_are_in_minus_1_to_1_and_mixtures_in_0_to_1(iteration: int, seed: int, train: bool) -> None:
    latents, mix = draw_latents(task_at(iteration, train, seed), 8)
    assert latents.shape == (8, LATENT)
    assert mix.shape == (8, 1)
    assert latents.dtype == mix.dtype == torch.float32
    assert float(latents.abs().max()) <= 1
    assert 0 <= float(mix.min()) <= float(mix.max()) <= 1


def test_latents_and_mixtures_are_uniform_and_know_nothing_of_each_other() -> None:
    latents, mix = draw_latents(task_at(3), 4000)
    for column in latents.T:
        assert stats.kstest(column.numpy(), "uniform", args=(-1, 2)).pvalue > 1e-4
    assert stats.kstest(mix[:, 0].numpy(), "uniform").pvalue > 1e-4
    correlations = np.corrcoef(torch.cat([latents, mix], 1).numpy().T) - np.eye(LATENT + 1)
    assert np.abs(correlations).max() < 0.08


def test_a_draw_is_repeatable_and_everything_it_depends_on_matters() -> None:
    tasks = {
        "step 5": task_at(5),
        "step 6": task_at(6),
        "another seed": task_at(5, seed=1),
        "first test batch": task_at(5, train=False),
        "second test batch": task_at(5, train=False, batches_before=1),
        "sixth test batch": task_at(5, train=False, batches_before=5),
    }
    torch.manual_seed(0)
    first = {name: draw_latents(task, 3) for name, task in tasks.items()}
    torch.manual_seed(1)  # the global generator is not drawn from
    again = {name: draw_latents(task, 3) for name, task in tasks.items()}
    for name, (latents, mix) in first.items():
        assert torch.equal(latents, again[name][0])
        assert torch.equal(mix, again[name][1])
    assert len({tuple(latents.flatten().tolist()) for latents, _ in first.values()}) == len(tasks)


def test_every_test_of_a_run_is_on_the_same_latents() -> None:
    """Test losses of two epochs differ by the networks, not by the draw; batches trained before do not matter."""
    early, late = (draw_latents(task_at(iteration, False, batches_before=2), 3) for iteration in (10, 900))
    assert torch.equal(early[0], late[0])
    trained = (draw_latents(task_at(10, batches_before=count), 3)[0] for count in (0, 7))
    assert torch.equal(*trained)
