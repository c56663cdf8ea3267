"""What is called of timm.data: mixup of a batch with itself in reverse, whose labels are mixed alike."""

import numpy as np
import torch


class Mixup:
    def __init__(self, mixup_alpha=1.0, label_smoothing=0.1, num_classes=1000):
        self.alpha, self.smoothing, self.num_classes = mixup_alpha, label_smoothing, num_classes

    def __call__(self, x, target):
        share = float(np.random.beta(self.alpha, self.alpha))
        off = self.smoothing / self.num_classes
        one_hot = torch.nn.functional.one_hot(target, self.num_classes) * (1.0 - self.smoothing) + off
        return share * x + (1.0 - share) * x.flip(0), share * one_hot + (1.0 - share) * one_hot.flip(0)
