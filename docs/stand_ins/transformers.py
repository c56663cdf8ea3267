"""What the Trainer of Hugging Face's transformers calls: the model without its labels, then compute_loss_func."""

import dataclasses

import torch


@dataclasses.dataclass
class TrainingArguments:
    output_dir: str
    num_train_epochs: int = 3
    learning_rate: float = 5e-5
    per_device_train_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    report_to: str = "none"


class Trainer:
    def __init__(self, model, args, train_dataset, eval_dataset=None, compute_loss_func=None):
        self.model, self.args, self.compute_loss_func = model, args, compute_loss_func
        self.train_dataset, self.eval_dataset = train_dataset, eval_dataset

    def train(self):
        arguments = self.args
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=arguments.learning_rate)
        accumulated = arguments.gradient_accumulation_steps
        self.model.train()
        for _ in range(arguments.num_train_epochs):
            batches = list(self._batches(self.train_dataset))
            for start in range(0, len(batches), accumulated):
                step = batches[start : start + accumulated]
                n_items = sum((batch["labels"] != -100).sum() for batch in step)
                for batch in step:
                    self._loss(batch, n_items).backward()
                optimizer.step()
                optimizer.zero_grad()

    def evaluate(self):
        self.model.eval()
        with torch.no_grad():
            losses = [self._loss(batch, None) for batch in self._batches(self.eval_dataset)]
        return {"eval_loss": torch.stack(losses).mean().item()}

    def _loss(self, batch, num_items_in_batch):
        inputs = dict(batch)
        labels = inputs.pop("labels")
        return self.compute_loss_func(self.model(**inputs), labels, num_items_in_batch=num_items_in_batch)

    def _batches(self, dataset):
        def joined(samples):
            return {name: torch.stack([torch.as_tensor(sample[name]) for sample in samples]) for name in samples[0]}

        size = self.args.per_device_train_batch_size
        return torch.utils.data.DataLoader(dataset, batch_size=size, shuffle=True, collate_fn=joined)
