"""What is called of timm: a network by its name."""

import torch


def create_model(model_name, pretrained=False, num_classes=1000):
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(4),
        torch.nn.Flatten(),
        torch.nn.Linear(128, num_classes),
    )
