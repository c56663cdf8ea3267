"""What Lightning's Trainer calls of a module: fit with one optimiser, and validation after each epoch."""

import torch


class LightningModule(torch.nn.Module):
    def log(self, name, value, **settings):
        self.trainer.callback_metrics[name] = torch.as_tensor(value).detach()

    def on_train_batch_end(self, outputs, batch, batch_idx):
        pass

    def validation_step(self, batch, batch_idx):
        pass


class Trainer:
    def __init__(self, *, max_epochs, **settings):
        self.max_epochs = max_epochs
        self.callback_metrics = {}

    def fit(self, model, train_dataloaders, val_dataloaders=()):
        model.trainer = self
        optimizer = model.configure_optimizers()
        for _ in range(self.max_epochs):
            model.train()
            for batch_idx, batch in enumerate(train_dataloaders):
                loss = model.training_step(batch, batch_idx)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                model.on_train_batch_end(loss, batch, batch_idx)
            model.eval()
            with torch.no_grad():
                for batch_idx, batch in enumerate(val_dataloaders):
                    model.validation_step(batch, batch_idx)
