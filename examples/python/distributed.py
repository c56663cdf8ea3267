"""Data-parallel training: the script of drop_in.py in several processes, on one machine or many.

    pip install exact-learn[torch]
    torchrun --standalone --nproc-per-node 2 examples/python/distributed.py

Each process has a copy of the model and its own part of every batch. The gradients are averaged by
DistributedDataParallel, and the loss adds up the statistics of the logits over the processes, so that the steps are
those of one process on the whole batch. Where a process is lost, the others stop with an error instead of waiting for
it. The last line is the accuracy on held-out data.
"""

import datetime
import os

import torch
import torch.distributed as distributed
from drop_in import rings
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from exact_learn.torch import ExactLoss


def main():
    if torch.cuda.is_available():
        device, backend = torch.device("cuda", int(os.environ["LOCAL_RANK"])), "nccl"
        torch.cuda.set_device(device)
    else:
        device, backend = torch.device("cpu"), "gloo"
    distributed.init_process_group(backend, timeout=datetime.timedelta(minutes=2))

    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    data = TensorDataset(*rings(2000, generator))
    test_inputs, test_labels = (part.to(device) for part in rings(2000, generator))
    sampler = DistributedSampler(data, seed=0)
    batches = DataLoader(data, batch_size=100 // distributed.get_world_size(), sampler=sampler)

    network = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3)).to(device)
    model = DistributedDataParallel(network)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = ExactLoss(sigma=1.0, normalize_logits=True).to(device)

    for epoch in range(20):
        sampler.set_epoch(epoch)
        for inputs, labels in batches:
            optimizer.zero_grad()
            criterion(model(inputs.to(device)), labels.to(device)).backward()
            optimizer.step()

    if distributed.get_rank() == 0:
        with torch.no_grad():
            accuracy = (network(test_inputs).argmax(dim=1) == test_labels).float().mean().item()
        print(f"accuracy {accuracy:.4f}")
    # gloo's threads abort if the interpreter ends before they have let go of the last tensors (pytorch#179291).
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
