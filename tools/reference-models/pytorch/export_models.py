"""Exports well-known architectures, with random weights, by torch.export, each with inputs and torch's own answers.

    python export_models.py FOLDER [NAME ...]

For each model FOLDER/NAME holds model.pt2, io.json (names, dtypes, shapes) and the tensors as little-endian files. `--decomposed` also writes
NAME_decomposed, the same program after run_decompositions().
"""

import json
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.export import Dim

torch.manual_seed(7)


def image(batch, size=64, channels=3):
    return (torch.randn(batch, channels, size, size),)


def vision(name, size=64, **options):
    def make():
        import torchvision

        try:
            model = getattr(torchvision.models, name)(weights=None, **options)
        except TypeError:
            model = getattr(torchvision.models, name)(**options)
        return model, image(3, size), image(2, size)

    return make


def ids(batch, length, vocabulary=100):
    tokens = torch.randint(1, vocabulary, (batch, length))
    mask = torch.ones(batch, length, dtype=torch.int64)
    mask[0, length // 2 :] = 0
    return tokens, mask


class Wrapped(nn.Module):
    """Gives plain tensors of a transformers model."""

    def __init__(self, model, takes_mask=True):
        super().__init__()
        self.model = model
        self.takes_mask = takes_mask

    def forward(self, input_ids, attention_mask):
        given = {"input_ids": input_ids}
        if self.takes_mask:
            given["attention_mask"] = attention_mask
        output = self.model(**given, return_dict=True)
        return {key: value for key, value in output.items() if isinstance(value, torch.Tensor)}


def transformer(config_name, model_name, length=12, **settings):
    def make():
        import transformers

        config = getattr(transformers, config_name)(**settings)
        model = Wrapped(getattr(transformers, model_name)(config))
        return model, ids(3, length), ids(2, length)

    return make


SMALL = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)


class Recurrent(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.layer = getattr(nn, kind)(16, 12, batch_first=True, **options)
        width = 12 * (2 if options.get("bidirectional") else 1)
        self.head = nn.Linear(width, 5)

    def forward(self, tokens):
        values, _ = self.layer(self.embedding(tokens))
        return self.head(values[:, -1])


def recurrent(kind, **options):
    def make():
        tokens = lambda batch: (torch.randint(0, 100, (batch, 9)),)
        return Recurrent(kind, **options), tokens(3), tokens(2)

    return make


class Encoder(nn.Module):
    def __init__(self, **options):
        super().__init__()
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, **options)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x):
        return self.encoder(x)


def encoder(**options):
    def make():
        values = lambda batch: (torch.randn(batch, 7, 32),)
        return Encoder(**options), values(3), values(2)

    return make


MODELS = {
    "resnet18": vision("resnet18"),
    "resnet50": vision("resnet50"),
    "resnext50": vision("resnext50_32x4d"),
    "mobilenet_v2": vision("mobilenet_v2"),
    "mobilenet_v3_small": vision("mobilenet_v3_small"),
    "mobilenet_v3_large": vision("mobilenet_v3_large"),
    "efficientnet_b0": vision("efficientnet_b0"),
    "efficientnet_v2_s": vision("efficientnet_v2_s"),
    "vgg11": vision("vgg11"),
    "vgg11_bn": vision("vgg11_bn"),
    "alexnet": vision("alexnet"),
    "densenet121": vision("densenet121"),
    "squeezenet1_1": vision("squeezenet1_1"),
    "shufflenet_v2_x1_0": vision("shufflenet_v2_x1_0"),
    "mnasnet0_5": vision("mnasnet0_5"),
    "regnet_y_400mf": vision("regnet_y_400mf"),
    "googlenet": vision("googlenet", size=96, aux_logits=False, init_weights=False),
    "inception_v3": vision("inception_v3", size=128, aux_logits=False, init_weights=False),
    "convnext_tiny": vision("convnext_tiny"),
    "vit_b_32": vision("vit_b_32", size=64, image_size=64),
    "swin_t": vision("swin_t"),
    "swin_v2_t": vision("swin_v2_t"),
    "maxvit_t": vision("maxvit_t", size=224),
    "fcn_resnet50": lambda: segmentation("fcn_resnet50"),
    "deeplabv3_mobilenet": lambda: segmentation("deeplabv3_mobilenet_v3_large"),
    "bert": transformer("BertConfig", "BertModel", **SMALL),
    "bert_classifier": transformer("BertConfig", "BertForSequenceClassification", num_labels=4, **SMALL),
    "distilbert": transformer("DistilBertConfig", "DistilBertModel", vocab_size=100, dim=32, n_layers=2, n_heads=4, hidden_dim=64),
    "roberta": transformer("RobertaConfig", "RobertaModel", **SMALL),
    "albert": transformer("AlbertConfig", "AlbertModel", embedding_size=16, **SMALL),
    "electra": transformer("ElectraConfig", "ElectraModel", embedding_size=16, **SMALL),
    "gpt2": transformer("GPT2Config", "GPT2LMHeadModel", vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=64, use_cache=False),
    "gpt_neox": transformer("GPTNeoXConfig", "GPTNeoXModel", use_cache=False, max_position_embeddings=64, **SMALL),
    "llama": transformer("LlamaConfig", "LlamaForCausalLM", num_key_value_heads=2, use_cache=False, max_position_embeddings=64, **SMALL),
    "t5_encoder": transformer("T5Config", "T5EncoderModel", vocab_size=100, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4),
    "lstm": recurrent("LSTM"),
    "lstm_two_ways": recurrent("LSTM", num_layers=2, bidirectional=True),
    "gru": recurrent("GRU", num_layers=2),
    "gru_two_ways": recurrent("GRU", bidirectional=True),
    "rnn": recurrent("RNN"),
    "rnn_relu": recurrent("RNN", nonlinearity="relu"),
    "transformer_encoder": encoder(),
    "transformer_encoder_gelu": encoder(activation="gelu", norm_first=True),
}


def segmentation(name):
    import torchvision

    model = getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None, num_classes=5)
    return model, image(3, 96), image(2, 96)


def scatter(model):
    """Gives parameters that are 0, and statistics, values that tell them apart."""
    for parameter in model.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.02)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(buffer, std=0.1)
        elif name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.8, 1.2)


def describe(folder, name, tensors):
    found = []
    for key, tensor in tensors:
        values = np.ascontiguousarray(tensor.detach().numpy())
        path = "%s_%d.bin" % (name, len(found))
        values.tofile(os.path.join(folder, path))
        found.append({"name": key, "dtype": str(values.dtype), "shape": list(values.shape), "file": path})
    return found


def flat(output):
    if isinstance(output, torch.Tensor):
        return [("output", output)]
    if isinstance(output, dict):
        return [(key, value) for key, value in output.items()]
    return [("output_%d" % i, value) for i, value in enumerate(output)]


def save(folder, program, model, asked, names):
    os.makedirs(folder, exist_ok=True)
    torch.export.save(program, os.path.join(folder, "model.pt2"))
    with torch.no_grad():
        output = model(*asked)
    io = {"inputs": describe(folder, "input", zip(names, asked)), "outputs": describe(folder, "output", flat(output))}
    with open(os.path.join(folder, "io.json"), "w") as file:
        json.dump(io, file, indent=1)


def main():
    root = sys.argv[1]
    names = [name for name in sys.argv[2:] if not name.startswith("--")] or list(MODELS)
    counts = {}
    for name in names:
        try:
            model, example, asked = MODELS[name]()
            model.eval()
            scatter(model)
            batch = Dim("batch", min=1, max=64)
            program = torch.export.export(model, example, dynamic_shapes=tuple({0: batch} for _ in example))
            arguments = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"]
            save(os.path.join(root, name), program, model, asked, arguments)
            programs = [program]
            if "--decomposed" in sys.argv:
                decomposed = program.run_decompositions()
                save(os.path.join(root, name + "_decomposed"), decomposed, model, asked, arguments)
                programs.append(decomposed)
            for each in programs:
                for node in each.graph.nodes:
                    if node.op == "call_function":
                        counts.setdefault(str(node.target), set()).add(name)
            print(name, "exported", flush=True)
        except Exception as reason:
            print(name, "FAILED", type(reason).__name__, str(reason)[:200].replace("\n", " "), flush=True)
    with open(os.path.join(root, "operators-%s.json" % torch.__version__.split("+")[0]), "w") as file:
        json.dump({key: sorted(value) for key, value in sorted(counts.items())}, file, indent=1)


main()
