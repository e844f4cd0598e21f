"""Autolog of PyTorch (Lightning) and a torch model by hand, loaded back."""

import lightning
import mlflow
import mlflow.pytorch
import torch
from mlflow import MlflowClient
from torch.utils.data import DataLoader, TensorDataset

client = MlflowClient()
torch.manual_seed(1)
torch.set_num_threads(1)
X = torch.randn(128, 4)
y = (X @ torch.tensor([1.0, -2.0, 0.5, 0.0])).unsqueeze(1)


class Line(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)

    def forward(self, x):
        return self.layer(x)

    def training_step(self, batch, _index):
        x, wanted = batch
        loss = torch.nn.functional.mse_loss(self(x), wanted)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.1)


mlflow.set_experiment("autolog")
mlflow.pytorch.autolog(checkpoint=False)
trainer = lightning.Trainer(
    max_epochs=4, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False
)
with mlflow.start_run() as run:
    trainer.fit(Line(), DataLoader(TensorDataset(X, y), batch_size=32, num_workers=0))
read = client.get_run(run.info.run_id)
assert read.data.params["optimizer_name"] == "Adam" and read.data.params["epochs"] == "4", read.data.params
history = client.get_metric_history(run.info.run_id, "train_loss")
assert len(history) >= 4 and history[-1].value < history[0].value
names = {item.path for item in client.list_artifacts(run.info.run_id)}
assert "model_summary.txt" in names, names
model = mlflow.pytorch.load_model(f"runs:/{run.info.run_id}/model")
assert model(X[:5]).shape == (5, 1)
print("done", mlflow.__version__)
