"""What goes around a loss in training: normalisation of logits and gradients, several processes, the example."""

import contextlib
import math
import multiprocessing
import pathlib
import runpy
import subprocess
import sys
import time

import pytest
import torch

from exact_learn.torch import ExactLoss, GradientNormalizer, LogitNormalization

HERE = pathlib.Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples" / "python"
WORKER = HERE / "distributed_worker.py"


def test_logits_are_normalised_by_two_scalars():
    normalization = LogitNormalization(momentum=0.1)
    logits = torch.tensor([[1.0, 3.0], [1.0, 3.0]])
    torch.testing.assert_close(normalization(logits), torch.tensor([[-1.0, 1.0], [-1.0, 1.0]]))
    normalization(10.0 * logits)
    assert normalization.running_mean.item() == pytest.approx(2.0 + 0.1 * 18.0)
    assert normalization.running_std.item() == pytest.approx(1.0 + 0.1 * 9.0)
    normalization.eval()
    expected = (logits - normalization.running_mean) / normalization.running_std
    torch.testing.assert_close(normalization(logits), expected)


def test_weights_enter_the_statistics():
    logits = torch.randn(5, 3, dtype=torch.float64)
    weights = torch.tensor([1.0, 2.0, 0.0, 1.0, 0.0], dtype=torch.float64)
    repeated = logits[[0, 1, 1, 3]]
    found = LogitNormalization()(logits, weights)[[0, 1, 1, 3]]
    torch.testing.assert_close(found, LogitNormalization()(repeated))


def test_equal_logits_become_zeros():
    logits = torch.full((2, 3), 7.0, requires_grad=True)
    normalised = LogitNormalization()(logits)
    assert (normalised == 0.0).all()
    assert torch.autograd.grad(normalised.sum(), logits)[0].isfinite().all()


def test_scale_of_the_logits_does_not_matter():
    logits, labels = torch.randn(8, 3, dtype=torch.float64), torch.arange(8) % 3
    loss = ExactLoss(0.5, normalize_logits=True)
    torch.testing.assert_close(loss(100.0 * logits + 5.0, labels), loss(logits, labels))


@contextlib.contextmanager
def two_workers(directory, *arguments):
    """Two processes of one group, which end with the block."""
    command = [sys.executable, "-W", "ignore", str(WORKER)]
    workers = [
        subprocess.Popen([*command, str(rank), "2", str(directory), *arguments], stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_two_processes_are_one_on_the_joined_batch_and_one_evaluates_alone(tmp_path):
    with two_workers(tmp_path) as workers:
        assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    worker_functions = runpy.run_path(str(WORKER))
    expected = worker_functions["step"](*worker_functions["samples"](), parallel=False)
    for rank in range(2):
        torch.testing.assert_close(torch.load(tmp_path / f"{rank}.pt"), expected)

    model, criterion = worker_functions["model_and_criterion"](parallel=False)
    inputs, labels = worker_functions["samples"]()
    in_training, in_evaluation, mean, batches = torch.load(tmp_path / "validation.pt")
    torch.testing.assert_close(in_training, criterion(model(inputs), labels).detach())
    # As before any step of training.
    torch.testing.assert_close(in_evaluation, ExactLoss(0.5)(model(inputs), labels).detach())
    assert mean == 0.0 and batches == 0


def test_a_lost_process_stops_the_others(tmp_path):
    with two_workers(tmp_path, "endless") as workers:
        end = time.monotonic() + 120
        while not all((tmp_path / f"{rank}.pt").exists() for rank in range(2)):
            assert time.monotonic() < end and all(worker.poll() is None for worker in workers)
            time.sleep(0.1)
        workers[1].kill()
        _, message = workers[0].communicate(timeout=60)
        assert workers[0].returncode == 1
    assert "another process stopped, ran out of batches" in message


def test_gradients_are_divided_by_their_running_norm():
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    normalizer = GradientNormalizer(optimizer)
    weight.grad = torch.tensor([0.0, 10.0])
    optimizer.step()
    torch.testing.assert_close(weight.data, torch.tensor([0.0, -1.0]))
    weight.grad = torch.tensor([0.0, 20.0])
    optimizer.step()
    torch.testing.assert_close(weight.grad, torch.tensor([0.0, 20.0 / 11.0]))
    other = GradientNormalizer(torch.optim.SGD([weight]))
    other.load_state_dict(normalizer.state_dict())
    assert other.mean_norm == pytest.approx(11.0)
    weight.grad = torch.tensor([math.nan, 1.0])
    optimizer.step()
    assert normalizer.mean_norm == pytest.approx(11.0)
    with pytest.raises(ValueError, match="cannot take a closure"):
        optimizer.step(lambda: torch.tensor(0.0))
    normalizer.remove()
    optimizer.step(lambda: torch.tensor(0.0))


def test_small_gradients_are_not_blown_up():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    GradientNormalizer(optimizer)
    weight.grad = torch.tensor([1e-5])
    optimizer.step()
    assert weight.grad.item() == pytest.approx(1e-3)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_child_processes_evaluate_large_batches(method):
    """Threads of the kernels do not survive a fork."""
    command = [sys.executable, "-W", "ignore", str(HERE / "process_worker.py"), method]
    subprocess.run(command, check=True, timeout=60)


def test_the_example_learns(capsys):
    runpy.run_path(str(EXAMPLES / "drop_in.py"), run_name="__main__")
    accuracy = float(capsys.readouterr().out.split()[-1])
    assert accuracy > 0.85
