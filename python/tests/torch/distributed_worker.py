"""One process of a data-parallel step: python distributed_worker.py RANK PROCESSES DIRECTORY [endless].

It writes its results to DIRECTORY. Endless, it evaluates the loss again and again after that.
"""

import datetime
import pathlib
import sys

import torch
import torch.distributed as distributed

from exact_learn.torch import ExactLoss


def step(inputs, labels, parallel):
    """A model's gradients and the criterion's statistics."""
    torch.manual_seed(3)
    model = torch.nn.Linear(5, 4, dtype=torch.float64)
    if parallel:
        model = torch.nn.parallel.DistributedDataParallel(model)
    criterion = ExactLoss(0.5, normalize_logits=True)
    criterion(model(inputs), labels).backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    normalization = criterion.normalization
    return [*gradients, normalization.running_mean, normalization.running_std]


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
    while "endless" in sys.argv:
        step(inputs[part], labels[part], parallel=False)
    # As in examples/python/distributed.py.
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
