"""An ordinary training script, of which one line differs from cross-entropy.

    pip install exact-learn[torch]
    python examples/python/drop_in.py

The data are three rings with noise; the model is a small network. The last line is the accuracy on held-out data.
"""

import torch

from exact_learn.torch import ExactLoss


def rings(n, generator):
    """Points on three noisy rings around the origin, and which ring they are on."""
    labels = torch.randint(3, (n,), generator=generator)
    angle = 2 * torch.pi * torch.rand(n, generator=generator)
    radius = 1.0 + labels + 0.25 * torch.randn(n, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), labels


def main():
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    inputs, labels = rings(2000, generator)
    test_inputs, test_labels = rings(2000, generator)

    model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = ExactLoss()  # instead of torch.nn.CrossEntropyLoss()

    for epoch in range(20):
        for rows in torch.randperm(len(inputs), generator=generator).split(100):
            optimizer.zero_grad()
            loss = criterion(model(inputs[rows]), labels[rows])
            loss.backward()
            optimizer.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1}: loss {loss.item():.4f}")

    with torch.no_grad():
        accuracy = (model(test_inputs).argmax(dim=1) == test_labels).float().mean().item()
    print(f"accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
