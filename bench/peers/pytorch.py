"""PyTorch as a contestant: python3 peers/pytorch.py <folder of the problem> <workload> <variant> <threads>

Speaks the line protocol of contestant.ts. The number of threads is PyTorch's own; OpenBLAS, which multiplies
its matrices, takes all cores whatever that number is, which is why one thread is often its best. Models are
written the way PyTorch's own documentation writes them; optimizers use their multi-tensor form where that is
faster here.
"""

import json
import math
import statistics
import sys
import time

import numpy
import torch
import torch.nn.functional as F

WARM_UP_STEPS = 2
LEAST_STEPS = 3
MOST_STEPS = 2000


def read_problem(folder):
    """The named tensors that problem.ts wrote."""
    blob = numpy.fromfile(f"{folder}/problem.bin", dtype=numpy.uint8)
    tensors = {}
    for entry in json.load(open(f"{folder}/problem.json")):
        count = math.prod(entry["shape"])
        data = blob[entry["offset"] : entry["offset"] + 4 * count].view(entry["dtype"])
        tensor = torch.from_numpy(data.copy()).reshape(entry["shape"])
        tensors[entry["name"]] = tensor.long() if entry["dtype"] == "int32" else tensor
    return tensors


def linear(tensors, name):
    """A torch layer of ours: the weight is stored turned."""
    weight = tensors[f"{name}.weight"]
    layer = torch.nn.Linear(*weight.shape)
    layer.weight.data.copy_(weight.T)
    layer.bias.data.copy_(tensors[f"{name}.bias"])
    return layer


def info_nce(anchors, positives):
    a = F.normalize(anchors, dim=1)
    p = F.normalize(positives, dim=1)
    return F.cross_entropy(a @ p.T / 0.05, torch.arange(len(a)))


class Classifier:
    def __init__(self, tensors, _variant):
        layers = [linear(tensors, f"parameters.{i}") for i in range(3)]
        self.model = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.05, foreach=True)

    def loss(self, batch):
        return F.cross_entropy(self.model(batch["x"]), batch["labels"])


class TwoTowers:
    def __init__(self, tensors, _variant):
        self.query = linear(tensors, "parameters.query")
        self.passage = linear(tensors, "parameters.passage")
        parameters = [*self.query.parameters(), *self.passage.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=1e-3, foreach=True)

    def loss(self, batch):
        return info_nce(self.query(batch["queries"]), self.passage(batch["passages"]))


class ContrastiveLoss:
    """Autograd, or a gradient written by hand without it."""

    def __init__(self, _tensors, variant):
        self.by_hand = variant == "hand-written gradient"
        self.optimizer = None

    def step(self, batch):
        if self.by_hand:
            return self.gradient_by_hand(batch["anchors"], batch["positives"])
        anchors = batch["anchors"].detach().requires_grad_()
        positives = batch["positives"].detach().requires_grad_()
        loss = info_nce(anchors, positives)
        loss.backward()
        self.gradients = [anchors.grad, positives.grad]
        return loss.item()

    @torch.no_grad()
    def gradient_by_hand(self, anchors, positives):
        length_a = anchors.norm(dim=1, keepdim=True)
        length_p = positives.norm(dim=1, keepdim=True)
        a = anchors / length_a
        p = positives / length_p
        n = len(a)
        scores = torch.mm(a, p.T).mul_(1 / 0.05)
        own = scores.diagonal().clone()
        top = scores.max(dim=1, keepdim=True).values
        scores.sub_(top).exp_()
        total = scores.sum(dim=1, keepdim=True)
        loss = (total.log() + top).squeeze(1).sub_(own).mean()
        scores.mul_(1 / total)
        scores.diagonal().sub_(1)
        ga = torch.mm(scores, p).mul_(1 / (0.05 * n))
        gp = torch.mm(scores.T, a).mul_(1 / (0.05 * n))
        ga = (ga - a * (ga * a).sum(dim=1, keepdim=True)) / length_a
        gp = (gp - p * (gp * p).sum(dim=1, keepdim=True)) / length_p
        self.gradients = [ga, gp]
        return loss.item()


class Attention(torch.nn.Module):
    def __init__(self, tensors, name, heads):
        super().__init__()
        self.inner = linear(tensors, f"{name}.queryKeyValue")
        self.outer = linear(tensors, f"{name}.output")
        self.heads = heads
        self.register_buffer("later", torch.ones(128, 128, dtype=torch.bool).triu(1))

    def forward(self, x):
        n, context, width = x.shape
        q, k, v = (
            part.reshape(n, context, self.heads, width // self.heads).transpose(1, 2)
            for part in self.inner(x).split(width, dim=2)
        )
        scores = (q @ k.transpose(2, 3)) / math.sqrt(width // self.heads)
        mixed = F.softmax(scores.masked_fill(self.later, -math.inf), dim=3) @ v
        return self.outer(mixed.transpose(1, 2).reshape(n, context, width))


class LanguageModel:
    def __init__(self, tensors, _variant):
        self.tokens = torch.nn.Embedding.from_pretrained(tensors["parameters.tokens"].clone(), freeze=False)
        self.positions = torch.nn.Parameter(tensors["parameters.positions"].clone())
        self.blocks = torch.nn.ModuleList()
        for i in range(4):
            name = f"parameters.blocks.{i}"
            self.blocks.append(
                torch.nn.ModuleDict(
                    {
                        "attention_norm": torch.nn.LayerNorm(128),
                        "attention": Attention(tensors, name, 4),
                        "feed_forward_norm": torch.nn.LayerNorm(128),
                        "up": linear(tensors, f"{name}.up"),
                        "down": linear(tensors, f"{name}.down"),
                    }
                )
            )
        self.norm = torch.nn.LayerNorm(128)
        self.head = torch.nn.Linear(128, 1024, bias=False)
        self.head.weight.data.copy_(tensors["parameters.head"].T)
        parameters = [
            *self.tokens.parameters(),
            self.positions,
            *self.blocks.parameters(),
            *self.norm.parameters(),
            *self.head.parameters(),
        ]
        self.optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, foreach=True)

    def loss(self, batch):
        x = self.tokens(batch["tokens"][:, :-1]) + self.positions
        for block in self.blocks:
            x = x + block["attention"](block["attention_norm"](x))
            x = x + block["down"](F.gelu(block["up"](block["feed_forward_norm"](x))))
        logits = self.head(self.norm(x)).flatten(0, 1)
        return F.cross_entropy(logits, batch["tokens"][:, 1:].flatten())


class ConvNet:
    def __init__(self, tensors, _variant):
        layers = []
        for i in range(2):
            weight = tensors[f"parameters.convolutions.{i}.weight"]
            layer = torch.nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            layer.weight.data.copy_(weight)
            layer.bias.data.copy_(tensors[f"parameters.convolutions.{i}.bias"].flatten())
            layers += [layer, torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
        head = [linear(tensors, f"parameters.head.{i}") for i in range(2)]
        self.model = torch.nn.Sequential(*layers, torch.nn.Flatten(), head[0], torch.nn.ReLU(), head[1])
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, foreach=True)

    def loss(self, batch):
        return F.cross_entropy(self.model(batch["x"].reshape(-1, 1, 28, 28)), batch["labels"])


class Retriever:
    """Adam over the whole table, or over the rows that a batch touches."""

    def __init__(self, tensors, variant):
        sparse = variant == "sparse"
        table = tensors["parameters.table"].clone()
        self.table = torch.nn.EmbeddingBag.from_pretrained(table, freeze=False, mode="mean", sparse=sparse)
        if sparse:
            self.optimizer = torch.optim.SparseAdam(list(self.table.parameters()), lr=1e-3)
        else:
            self.optimizer = torch.optim.Adam(self.table.parameters(), lr=1e-3, foreach=True)

    def loss(self, batch):
        return info_nce(self.table(batch["queries"]), self.table(batch["passages"]))


WORKLOADS = {
    "classifier": Classifier,
    "two-towers": TwoTowers,
    "contrastive-loss": ContrastiveLoss,
    "language-model": LanguageModel,
    "convnet": ConvNet,
    "retriever": Retriever,
}


class Trainer:
    def __init__(self, tensors, workload, variant):
        self.make = lambda: WORKLOADS[workload](tensors, variant)
        count = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("batches."))
        self.batches = []
        for i in range(count):
            prefix = f"batches.{i}."
            self.batches.append({k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)})

    def reset(self):
        self.task = self.make()

    def step(self, i):
        batch = self.batches[i % len(self.batches)]
        if self.task.optimizer is None:
            return self.task.step(batch)
        self.task.optimizer.zero_grad(set_to_none=True)
        loss = self.task.loss(batch)
        loss.backward()
        self.task.optimizer.step()
        return loss.item()

    def gradient_norms(self):
        return [g.norm().item() for g in getattr(self.task, "gradients", [])]


def check(trainer, steps):
    trainer.reset()
    return [[trainer.step(i), *trainer.gradient_norms()] for i in range(steps)]


def measure(trainer, milliseconds):
    trainer.reset()
    for i in range(WARM_UP_STEPS):
        trainer.step(i)
    times = []
    end = time.perf_counter() + milliseconds / 1000
    while len(times) < LEAST_STEPS or (time.perf_counter() < end and len(times) < MOST_STEPS):
        start = time.perf_counter()
        trainer.step(WARM_UP_STEPS + len(times))
        times.append((time.perf_counter() - start) * 1000)
    return {"median": statistics.median(times), "steps": len(times)}


def answer(message):
    print(json.dumps(message), flush=True)


def main():
    folder, workload, variant, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    trainer = Trainer(read_problem(folder), workload, variant)
    answer({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        if request["command"] == "check":
            answer({"observed": check(trainer, request["steps"])})
        else:
            answer(measure(trainer, request["milliseconds"]))


main()
