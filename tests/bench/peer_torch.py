#!/usr/bin/env python3
"""PyTorch beside Jargon: training steps and inference of a preset, over the very batches that gpu_model times.

    build/tests/bench/gpu_model plan 600 8 >plan
    python3 tests/bench/peer_torch.py recipes/presets/l.yaml plan --impl own --modes bf16,compile

--impl own is the same architecture written as one writes it in PyTorch, utterances padded to the longest of the batch:
attention through scaled_dot_product_attention with the relative term as a bias. --impl parakeet is transformers'
ParakeetForCTC, whose weights are Jargon's. Modes: f32; bf16: as Jargon's, float weights, moments and sums of gradients,
products and activations in bf16 (autocast, which keeps the norms' outputs in float where Jargon's are bf16), bf16 weights
in inference; compile: bf16 with torch.compile over each block, for all shapes once ("graphs" counts what was compiled).
The CTC loss is PyTorch's own in float, whose gradient on a GPU adds atomically: not the same bits twice.

A training step is forward, loss, backward, clipping and AdamW, features given: Jargon's own step in gpu_model also makes
the features from samples and applies SpecAugment. Inference goes from features to the best classes on the host.

One JSON line a mode and direction: the median of the passes over all batches; the first pass, which compiles, is told
apart. What fails is a line with its error, and the rest goes on; so is what SIGTERM stopped, and the rest does not. The exit
code is 1 then. Needs PyTorch 2.7 or later, and transformers 5 for parakeet.
"""
import argparse
import contextlib
import gc
import json
import signal
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch._dynamo
import torch._inductor.config
import torch.nn.functional as F

MELS, FRAMES_A_SECOND, LABELS_A_SECOND, VOCABULARY = 80, 100, 3.4, 1025  # as gpu_model.c
BLANK = 0
CTC = "PyTorch's own, float"  # not cuDNN's, which takes labels of int32 in one row only


class Stopped(BaseException):
    """By SIGTERM, as timeout sends it."""


def stop(*_):
    raise Stopped("stopped by SIGTERM")


def read_preset(path):
    """The preset's lines `key: value`; its keys are those of transformers' ParakeetEncoderConfig."""
    with open(path, encoding="utf-8") as file:
        pairs = (line.split("#")[0].split(":", 1) for line in file if ":" in line.split("#")[0])
        return {key.strip(): json.loads(value) for key, value in pairs}


def read_plan(path):
    with open(path, encoding="utf-8") as file:
        return [[int(word) for word in line.split()] for line in file if line.strip()]


def frames_after(n, factor):
    """Frames or bins left by convolutions of stride 2."""
    while factor > 1:
        n, factor = (n + 1) // 2, factor // 2
    return n


class Batch:
    """Noise as features and labels, padded to the longest utterance."""

    def __init__(self, frames, factor, device, seed):
        random = torch.Generator().manual_seed(seed)
        out = [frames_after(n, factor) for n in frames]
        labels = [min(int(n / FRAMES_A_SECOND * LABELS_A_SECOND), (t - 1) // 2) for n, t in zip(frames, out)]
        self.seconds = sum(frames) / FRAMES_A_SECOND
        self.x = torch.randn(len(frames), max(frames), MELS, generator=random).to(device)
        self.lengths = torch.tensor(frames).to(device)
        self.out_lengths, self.label_lengths = torch.tensor(out), torch.tensor(labels)  # on the host, where ctc_loss reads them
        self.labels = torch.randint(1, VOCABULARY, (len(frames), max(labels)), generator=random).to(device)


class Subsampling(nn.Module):
    """Convolutions 3 x 3 of stride 2 over time and bins, depthwise and pointwise after the first."""

    def __init__(self, C, factor, channels):
        super().__init__()
        layers = [nn.Conv2d(1, channels, 3, 2, 1), nn.ReLU()]
        for _ in range(factor.bit_length() - 2):
            layers += [nn.Conv2d(channels, channels, 3, 2, 1, groups=channels), nn.Conv2d(channels, channels, 1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(channels * frames_after(MELS, factor), C)

    def forward(self, x):
        return self.linear(self.layers(x.unsqueeze(1)).transpose(1, 2).flatten(2))


def positions(T, C, device):
    """Sinusoids of the distances T - 1 down to 1 - T."""
    distance = torch.arange(T - 1, -T, -1, device=device, dtype=torch.float32).unsqueeze(1)
    rate = 10000.0 ** (-torch.arange(0, C, 2, device=device, dtype=torch.float32) / C)
    return torch.stack(((distance * rate).sin(), (distance * rate).cos()), -1).flatten(1)


def shifted(scores):
    """(B, H, T, 2 T - 1) by distance, largest first -> (B, H, T, T) by key: the shift of Transformer-XL."""
    B, H, T, N = scores.shape
    return F.pad(scores, (1, 0)).view(B, H, N + 1, T)[:, :, 1:].reshape(B, H, T, N)[..., :T]


class Attention(nn.Module):
    def __init__(self, C, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv, self.out, self.position = nn.Linear(C, 3 * C), nn.Linear(C, C), nn.Linear(C, C, bias=False)
        self.u, self.v = (nn.Parameter(torch.zeros(heads, C // heads)) for _ in range(2))

    def forward(self, x, sinusoids, real):
        B, T, C = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.heads, -1).unbind(2)
        p = self.position(sinusoids).view(2 * T - 1, self.heads, -1).permute(1, 2, 0)
        bias = shifted((q + self.v.to(q.dtype)).transpose(1, 2) @ p) * (C // self.heads) ** -0.5
        bias = bias.masked_fill(~real[:, None, None], -1e4)
        y = F.scaled_dot_product_attention((q + self.u.to(q.dtype)).transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2),
                                           attn_mask=bias.to(q.dtype), dropout_p=self.dropout if self.training else 0)
        return self.out(y.transpose(1, 2).flatten(2))


class Convolution(nn.Module):
    def __init__(self, C, taps):
        super().__init__()
        self.before, self.after = nn.Linear(C, 2 * C), nn.Linear(C, C)
        self.depthwise = nn.Conv1d(C, C, taps, padding=taps // 2, groups=C)
        self.norm = nn.BatchNorm1d(C)

    def forward(self, x, real):
        x = F.glu(self.before(x), -1).masked_fill(~real.unsqueeze(-1), 0)
        return self.after(F.silu(self.norm(self.depthwise(x.transpose(1, 2)))).transpose(1, 2))


class Block(nn.Module):
    def __init__(self, preset):
        super().__init__()
        C, wide = preset["hidden_size"], preset["intermediate_size"]

        def feedforward():
            return nn.Sequential(nn.LayerNorm(C), nn.Linear(C, wide), nn.SiLU(), nn.Dropout(preset["activation_dropout"]),
                                 nn.Linear(wide, C), nn.Dropout(preset["dropout"]))
        self.first, self.last = feedforward(), feedforward()
        self.attention = Attention(C, preset["num_attention_heads"], preset["attention_dropout"])
        self.convolution = Convolution(C, preset["conv_kernel_size"])
        self.norms = nn.ModuleList(nn.LayerNorm(C) for _ in range(3))
        self.dropout = nn.Dropout(preset["dropout"])

    def forward(self, x, sinusoids, real):
        x = x + 0.5 * self.first(x)
        x = x + self.dropout(self.attention(self.norms[0](x), sinusoids, real))
        x = x + self.dropout(self.convolution(self.norms[1](x), real))
        x = x + 0.5 * self.last(x)
        return self.norms[2](x)


class Own(nn.Module):
    """Features (B, T, 80) and lengths (B) -> logits (B, T', V)."""

    def __init__(self, preset):
        super().__init__()
        C, self.factor = preset["hidden_size"], preset["subsampling_factor"]
        self.subsampling = Subsampling(C, self.factor, preset["subsampling_conv_channels"])
        self.blocks = nn.ModuleList(Block(preset) for _ in range(preset["num_hidden_layers"]))
        self.dropout, self.head = nn.Dropout(preset["dropout"]), nn.Linear(C, VOCABULARY)

    def forward(self, x, lengths):
        x = self.dropout(self.subsampling(x))
        real = torch.arange(x.shape[1], device=x.device) < frames_after(lengths, self.factor).unsqueeze(1)
        sinusoids = positions(x.shape[1], x.shape[2], x.device).to(x.dtype)
        for block in self.blocks:
            x = block(x, sinusoids, real)
        return self.head(x)


class Parakeet(nn.Module):
    def __init__(self, preset):
        super().__init__()
        from transformers import ParakeetCTCConfig, ParakeetForCTC
        self.model = ParakeetForCTC(ParakeetCTCConfig(vocab_size=VOCABULARY, pad_token_id=VOCABULARY - 1,
                                                      encoder_config={**preset, "num_mel_bins": MELS}))
        self.blocks = self.model.encoder.layers

    def forward(self, x, lengths):
        real = torch.arange(x.shape[1], device=x.device) < lengths.unsqueeze(1)
        return self.model(input_features=x, attention_mask=real).logits


class Runner:
    def __init__(self, impl, preset, mode, device, train):
        torch.manual_seed(1)
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        self.mode, self.bf16, self.device, self.train = mode, mode != "f32", device, train
        self.model = {"own": Own, "parakeet": Parakeet}[impl](preset).to(device).train(train)
        if train:
            self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, betas=(0.9, 0.98), weight_decay=0.01,
                                               fused=device.type == "cuda")
        elif self.bf16:
            self.model.to(torch.bfloat16)
        if mode == "compile":
            torch._dynamo.config.recompile_limit = 64
            # Else attention's tensors get strides of the first batch, and every other batch is compiled anew.
            torch._inductor.config.layout_optimization = False
            for block in self.model.blocks:
                block.compile(dynamic=True)

    def train_step(self, batch):
        with torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            logits = self.model(batch.x, batch.lengths)
        loss = F.ctc_loss(logits.float().log_softmax(-1).transpose(0, 1), batch.labels, batch.out_lengths,
                          batch.label_lengths, BLANK, reduction="sum", zero_infinity=True) / len(batch.lengths)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def infer(self, batch):
        x = batch.x.to(torch.bfloat16) if self.bf16 else batch.x
        self.model(x, batch.lengths).argmax(-1).to(torch.int32).cpu()

    def arithmetic(self):
        if not self.bf16:
            return "float"
        return "float weights, bf16 by autocast" if self.train else "bf16 weights and activations"

    def seconds(self, batches):
        """Of one pass over all batches."""
        start = time.perf_counter()
        for batch in batches:
            (self.train_step if self.train else self.infer)(batch)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start


def bench(runner, batches, budget):
    audio, first, passes = sum(batch.seconds for batch in batches), runner.seconds(batches), []
    while len(passes) < 3 or (sum(passes) < budget and len(passes) < 100):
        passes.append(runner.seconds(batches))
    median = statistics.median(passes)
    found = {"arithmetic": runner.arithmetic(),
             "weights_m": round(sum(p.numel() for p in runner.model.parameters()) / 1e6, 3), "batches": len(batches),
             "audio_s": round(audio, 1), "passes": len(passes), "first_pass_s": round(first, 3),
             "ms_a_batch": round(1e3 * median / len(batches), 3), "ms_a_batch_best": round(1e3 * min(passes) / len(batches), 3),
             "times_real_time": round(audio / median, 1)}
    if runner.train:
        found["ctc"] = CTC
    if runner.mode == "compile":
        found["graphs"] = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    if runner.device.type == "cuda":
        found["most_memory_gb"] = round(torch.cuda.max_memory_allocated() / 1e9, 2)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset")
    parser.add_argument("plan", help="as gpu_model plan prints it: a line a batch, frames of 10 ms")
    parser.add_argument("--impl", choices=["own", "parakeet"], default="own")
    parser.add_argument("--modes", default="bf16,compile")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--budget", type=float, default=3, help="seconds of passes for each line")
    args = parser.parse_args()
    device, preset, failed = torch.device(args.device), read_preset(args.preset), False
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    torch.set_float32_matmul_precision("highest")  # f32 is float, not TF32, as ours
    signal.signal(signal.SIGTERM, stop)
    batches = [Batch(frames, preset["subsampling_factor"], device, i) for i, frames in enumerate(read_plan(args.plan))]
    for mode in args.modes.split(","):
        for what in ("train", "infer"):
            line = {"bench": "model", "what": what, "preset": args.preset, "torch": torch.__version__, "device": name,
                    "impl": args.impl, "mode": mode}
            stopped = False
            try:
                if device.type == "cuda":
                    torch.cuda.reset_peak_memory_stats()
                line.update(bench(Runner(args.impl, preset, mode, device, what == "train"), batches, args.budget))
            except (Exception, Stopped) as error:  # the other lines are still worth having
                line["error"], failed = f"{type(error).__name__}: {error}"[:300], True
                stopped = isinstance(error, Stopped)
            print(json.dumps(line), flush=True)
            if stopped:
                return 1
            gc.collect()
            if device.type == "cuda":
                torch.cuda.empty_cache()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
