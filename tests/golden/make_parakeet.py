#!/usr/bin/env python3
"""Makes the goldens in tests/golden/parakeet: small random ParakeetForCTC models saved by transformers itself, and what
transformers computes with them. Needs torch, transformers, safetensors (transformers 5.23, torch 2.15 made those in
the tree). Run from anywhere; one folder a case:

  config.json, preprocessor_config.json, model.safetensors   as save_pretrained writes them
  waveform.s16          the utterances' samples, 16-bit little-endian, one after the other, equal lengths
  expected.safetensors  features, logits (evaluation), nll, labels, grad.<parameter>, after.<running statistic>

transformers adds one masked frame to every utterance and counts it in batch norm; it is cut off here, so that both
sides see the same rows. The model runs in double: its rounding is not part of the golden.
"""
import pathlib
import shutil

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from transformers import ParakeetCTCConfig, ParakeetFeatureExtractor, ParakeetForCTC

HERE = pathlib.Path(__file__).resolve().parent / "parakeet"

# name: encoder settings, vocabulary, samples of each utterance, labels
CASES = {
    "factor8": (dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=40,
                     conv_kernel_size=9, subsampling_factor=8, subsampling_conv_channels=6, attention_bias=True,
                     convolution_bias=True, scale_input=True),
                12, 33_333, [[3, 1, 4, 1, 5, 9, 2, 6, 5]]),
    "factor4": (dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
                     conv_kernel_size=5, subsampling_factor=4, subsampling_conv_channels=5, attention_bias=False,
                     convolution_bias=False, scale_input=False),
                7, 17_777, [[2, 2, 0, 5], [1], [4, 3, 3, 3, 0, 1]]),
}


def waveform(samples, generator):
    """Noise that rises and falls over three gliding tones."""
    t = np.arange(samples) / 16000
    tones = sum(np.sin(2 * np.pi * t * (f + 300 * t)) for f in generator.uniform(100, 3000, 3))
    envelope = 0.1 + np.abs(np.sin(2 * np.pi * t * generator.uniform(1, 4)))
    return np.round(2500 * envelope * (tones + generator.normal(size=samples))).astype(np.int16)


def randomise(model):
    """Values that leave no term of the model at 0 or 1."""
    with torch.no_grad():
        for name, value in list(model.named_parameters()) + list(model.named_buffers()):
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif name.endswith("num_batches_tracked"):
                value.fill_(7)
            elif "inv_freq" in name:
                continue
            elif value.dim() > 1 and "bias_" not in name:
                fan_in = value[0].numel()
                value.normal_(0, 1.2 / fan_in**0.5)
            else:
                value.normal_(0, 0.3)
                if "norm" in name and name.endswith("weight"):
                    value.add_(1)


def make(name, encoder, vocabulary, samples, labels):
    torch.manual_seed(len(name) + samples)
    generator = np.random.default_rng(samples)
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    config = ParakeetCTCConfig(vocab_size=vocabulary, pad_token_id=vocabulary - 1, encoder_config=dict(
        encoder, dropout=0.0, dropout_positions=0.0, layerdrop=0.0, activation_dropout=0.0, attention_dropout=0.0))
    model = ParakeetForCTC(config)
    randomise(model)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    extractor = ParakeetFeatureExtractor()
    extractor.save_pretrained(folder)

    waves = [waveform(samples, generator) for _ in labels]
    (folder / "waveform.s16").write_bytes(b"".join(wave.tobytes() for wave in waves))
    inputs = extractor([wave.astype(np.float32) / 32768 for wave in waves], sampling_rate=16000, return_tensors="pt")
    frames = samples // 160
    assert inputs.attention_mask.sum(-1).tolist() == [frames] * len(labels)
    features = inputs.input_features[:, :frames]

    model = model.double().eval()
    mask = torch.ones(features.shape[:2], dtype=torch.bool)
    out = {"features": features}
    with torch.no_grad():
        out["logits"] = model(features.double(), attention_mask=mask).logits
    model.train()
    logits = model(features.double(), attention_mask=mask).logits
    nll = F.ctc_loss(F.log_softmax(logits, -1).transpose(0, 1), torch.tensor(sum(labels, [])),
                     torch.full([len(labels)], logits.shape[1]), torch.tensor([len(x) for x in labels]),
                     blank=vocabulary - 1, reduction="none")
    nll.sum().backward()
    out["nll"] = nll.detach()
    for parameter, value in model.named_parameters():
        out["grad." + parameter] = value.grad
    for buffer, value in model.named_buffers():
        if "running_" in buffer:
            out["after." + buffer] = value
    out = {key: value.detach().float().contiguous() for key, value in out.items()}
    out["labels"] = torch.tensor(sum(labels, []))
    out["label_offsets"] = torch.tensor(np.cumsum([0] + [len(x) for x in labels]))
    save_file(out, folder / "expected.safetensors")
    print(name, "nll", [round(x, 4) for x in nll.tolist()], "logits", tuple(logits.shape))


for case, settings in CASES.items():
    make(case, *settings)
