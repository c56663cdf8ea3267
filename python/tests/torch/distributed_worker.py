"""One process of a data-parallel step: python distributed_worker.py RANK PROCESSES DIRECTORY [endless].

It writes its results to DIRECTORY. Endless, it evaluates the loss again and again after that.
"""

import datetime
import pathlib
import sys

import torch
import torch.distributed as distributed

from exact_learn.torch import ExactLoss


def model_and_criterion(parallel):
    torch.manual_seed(3)
    model = torch.nn.Linear(5, 4, dtype=torch.float64)
    if parallel:
        model = torch.nn.parallel.DistributedDataParallel(model)
    return model, ExactLoss(0.5, normalize_logits=True)


def step(inputs, labels, parallel):
    """A model's gradients and the criterion's statistics."""
    model, criterion = model_and_criterion(parallel)
    criterion(model(inputs), labels).backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    normalization = criterion.normalization
    return [*gradients, normalization.running_mean, normalization.running_std]


def validation(inputs, labels):
    """Losses without gradients, in training and in evaluation, and the statistics after both."""
    model, criterion = model_and_criterion(parallel=False)
    with torch.no_grad():
        losses = [criterion(model(inputs), labels)]
        statistics = [criterion.normalization.running_mean.clone(), criterion.normalization.batches]
        losses.append(criterion.eval()(model(inputs), labels))
    return [*losses, *statistics]


def samples():
    """The joined batch."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(16, 5, dtype=torch.float64, generator=generator)
    return inputs, torch.randint(4, (16,), generator=generator)


def main():
    rank, processes, directory = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    distributed.init_process_group(
        "gloo",
        init_method=(directory / "rendezvous").as_uri(),
        rank=rank,
        world_size=processes,
        timeout=datetime.timedelta(seconds=30),
    )
    inputs, labels = samples()
    part = slice(rank * 8, rank * 8 + 8)
    torch.save(step(inputs[part], labels[part], parallel=True), directory / f"{rank}.pt")
    if rank == 0:
        # Alone, as the process that validates.
        torch.save(validation(inputs, labels), directory / "validation.pt")
    while "endless" in sys.argv:
        step(inputs[part], labels[part], parallel=False)
    # As in examples/python/distributed.py.
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
