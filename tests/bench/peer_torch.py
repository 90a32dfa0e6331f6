#!/usr/bin/env python3
"""PyTorch, timed beside Jargon: Conformer-CTC training and inference at the same shapes.

Not yet run: everything here needs PyTorch, which no test of Jargon has. The CUDA, torch.compile, graph and flex_attention
paths, --impl torchaudio and --impl parakeet (transformers >= 5) wait for a machine with a GPU; the plain CPU paths ran
once with PyTorch 1.13, before --plan, --impl parakeet and the separable subsampling were added.

One JSON object per line on stdout.  Runs on CUDA (PyTorch >= 2.x) and on a plain CPU
(PyTorch >= 1.13); what a build lacks is reported as {"skipped": reason}, never a crash.

  peer_torch.py --sizes S,M,L --modes tf32,bf16,compile,graph      model throughput
  peer_torch.py --modes none --micro all                           kernels only
  peer_torch.py --sizes S --modes compile,compile-graph --compile-scope model     slow to compile
  peer_torch.py --device cpu --threads 2 --modes fp32,bf16         CPU peer
  peer_torch.py --device cpu --sizes XS --modes fp32 --quick       smoke test
  build/tests/bench/gpu_model plan 600 8 >plan                     the same batches as gpu_model times:
  peer_torch.py --sizes L --impl parakeet --modes bf16,compile --vocab 1025 --plan plan
With a 10-minute limit per command, run one size at a time.

Model: log-mel features -> 2-D depthwise-striding subsampling (4x or 8x), with the channels of our
presets -> conformer blocks with Transformer-XL relative positions -> linear -> CTC.  --impl torchaudio
swaps the blocks for torchaudio.models.Conformer, which has NO relative positions (a cheaper model);
--impl parakeet the whole for transformers.ParakeetForCTC, whose arithmetic is Jargon's.  Ours also makes
the features from samples and applies SpecAugment in its time; here features are given.

Model FLOPs (used for MFU; identical formula in our own benchmark), per utterance with
T0 = feature frames (100/s), T = T0/sub encoder frames, d, L layers, r = ff expansion (4),
k = depthwise kernel, C = subsampling channels, F = 80 mel bins, V = outputs (blank included):
  layer  = 2 * [ T*d*((4r+7)*d + k) + 3*T*T*d ]        (2*T*T*d without relative positions)
  sub 4x = 2 * [ T0/2*F/2*C*9 + T0/4*F/4*C*(9 + C + d) ]
  sub 8x = 2 * [ T0/2*F/2*C*9 + (T0/4*F/4 + T0/8*F/8)*C*(9+C) + T0/8*F/8*C*d ]
  head   = 2 * T*d*V          forward = sub + L*layer + head          training = 3 * forward
Padding, recomputation, the 2T-1 relative band and the position projection do not count.
MFU = model FLOPs of the real (unpadded) audio / time / peak.  RTFx = audio seconds / time.
"""
import argparse
import contextlib
import gc
import importlib
import json
import math
import platform
import sys
import time
import traceback

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

try:
    import torchaudio
except Exception:  # absent, or built for another torch
    torchaudio = None

TORCH_VERSION = tuple(int(x) for x in torch.__version__.split("+")[0].split("a")[0].split(".")[:2])
HAS_SDPA = hasattr(F, "scaled_dot_product_attention")
HAS_COMPILE = hasattr(torch, "compile")
FRAMES_PER_SECOND = 100
N_MELS = 80

SIZES = {  # Gulati et al. 2020 (encoder), 4 or 8 heads
    "XS": dict(d=64, layers=2, heads=4, kernel=15, channels=32),
    "S": dict(d=144, layers=16, heads=4, kernel=31, channels=144),
    "M": dict(d=256, layers=16, heads=4, kernel=31, channels=256),
    "L": dict(d=512, layers=17, heads=8, kernel=31, channels=256),
}
# mode -> (numeric policy, torch.compile keyword arguments or None, CUDA graphs by hand, batching scheme)
MODES = {
    "fp32": ("fp32", None, False, "sorted"),
    "tf32": ("tf32", None, False, "sorted"),
    "bf16": ("bf16", None, False, "sorted"),
    "bf16-random": ("bf16", None, False, "random"),
    "compile": ("bf16", dict(dynamic=True), False, "sorted"),
    "compile-bucket": ("bf16", dict(dynamic=False), False, "bucket"),
    "compile-graph": ("bf16", dict(dynamic=False, mode="reduce-overhead"), False, "bucket"),
    "graph": ("bf16", None, True, "bucket"),
    "bf16-bucket": ("bf16", None, False, "bucket"),
}


def emit(obj):
    print(json.dumps(obj), flush=True)


def sig(x, n=5):
    return float(f"{x:.{n}g}") if isinstance(x, float) and math.isfinite(x) else x


NOW = time.perf_counter


def sync(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def why(exc):
    return f"{type(exc).__name__}: {exc}".splitlines()[0][:240]


# --------------------------------------------------------------------------- FLOP model

def forward_flops(cfg, seconds, sub, vocab, rel=True, ff=4):
    d, k, c = cfg["d"], cfg["kernel"], cfg["channels"]
    t0 = seconds * FRAMES_PER_SECOND
    t = t0 / sub
    layer = 2 * (t * d * ((4 * ff + 7) * d + k) + (3 if rel else 2) * t * t * d)
    f2, f4, f8 = N_MELS // 2, N_MELS // 4, N_MELS // 8
    subs = t0 / 2 * f2 * c * 9
    if sub == 4:
        subs += t0 / 4 * f4 * c * (9 + c + d)
    else:
        subs += (t0 / 4 * f4 + t0 / 8 * f8) * c * (9 + c) + t0 / 8 * f8 * c * d
    return 2 * subs + cfg["layers"] * layer + 2 * t * d * vocab


# --------------------------------------------------------------------------- data plan

def draw_durations(n, seed, mean=12.0, sigma=0.5, lo=2.0, hi=20.0):
    """Log-normal durations clipped to [lo, hi]; mu is solved so that the clipped mean is `mean`."""
    z = np.random.default_rng(seed).standard_normal(n)
    a, b = math.log(0.2 * mean), math.log(5 * mean)
    for _ in range(60):
        mu = (a + b) / 2
        if np.clip(np.exp(mu + sigma * z), lo, hi).mean() < mean:
            a = mu
        else:
            b = mu
    return np.clip(np.exp(mu + sigma * z), lo, hi)


def make_plan(durations, batch_seconds, scheme, seed, n_buckets=4):
    """List of (durations, padded_frames).  random: arrival order; sorted: length-sorted pool, shuffled
    batches; bucket: few fixed (batch, frames) shapes, every batch of a bucket has the same shape."""
    rng = np.random.default_rng(seed + 1)
    frames = np.round(durations * FRAMES_PER_SECOND).astype(int)
    plan = []
    if scheme == "bucket":
        # edges: equal audio per bucket, rounded up to 64 frames so T/4 is a multiple of 16
        order = np.sort(frames)
        cum = np.cumsum(order) / order.sum()
        edges = [int(math.ceil(order[min(np.searchsorted(cum, (i + 1) / n_buckets), len(order) - 1)] / 64) * 64)
                 for i in range(n_buckets)]
        edges[-1] = int(math.ceil(order[-1] / 64) * 64)
        lo = 0
        for e in edges:
            members = frames[(frames > lo) & (frames <= e)]
            lo = e
            bs = max(1, int(batch_seconds * FRAMES_PER_SECOND // e))
            for i in range(0, len(members) - bs + 1, bs):
                plan.append((members[i:i + bs], e))
    else:
        seq = np.sort(frames) if scheme == "sorted" else frames
        cur, total = [], 0
        for f in seq:
            if cur and total + f > batch_seconds * FRAMES_PER_SECOND:
                plan.append((np.array(cur), max(cur)))
                cur, total = [], 0
            cur.append(f)
            total += f
        if cur and not plan:
            plan.append((np.array(cur), max(cur)))
    rng.shuffle(plan)
    return plan


class Batch:
    """Random features and targets on the device; lengths in frames of the feature stream."""

    def __init__(self, lens, padded, sub, vocab, tokens_per_second, device, seed):
        g = torch.Generator().manual_seed(seed)
        self.seconds = float(np.sum(lens)) / FRAMES_PER_SECOND
        self.padded_frames = int(padded) * len(lens)
        self.real_frames = int(np.sum(lens))
        self.lens_list = [int(x) for x in lens]
        self.x = torch.randn(len(lens), int(padded), N_MELS, generator=g).to(device)
        self.lens = torch.tensor(self.lens_list, dtype=torch.long).to(device)
        out = [subsampled(x, sub) for x in self.lens_list]
        tl = [max(1, min(int(x / FRAMES_PER_SECOND * tokens_per_second), (o - 1) // 2)) for x, o in
              zip(self.lens_list, out)]
        self.out_lens = torch.tensor(out, dtype=torch.long)          # CPU: avoids a device read in ctc_loss
        self.target_lens = torch.tensor(tl, dtype=torch.long)
        self.targets = torch.randint(1, vocab, (len(lens), max(tl)), generator=g).to(device)
        self.out_lens_dev = self.out_lens.to(device)
        self.host_ids = torch.empty(len(lens), subsampled(int(padded), sub), dtype=torch.int32,
                                    pin_memory=device.type == "cuda")

    def shape(self):
        return tuple(self.x.shape)


def subsampled(n, sub):
    for _ in range({4: 2, 8: 3}[sub]):
        n = (n + 1) // 2
    return n


# --------------------------------------------------------------------------- model

class Subsampling(nn.Module):
    """3x3 stride-2 convolutions over (time, mel); depthwise-separable stages after the first."""

    def __init__(self, d, factor, ch):
        super().__init__()
        mods = [nn.Conv2d(1, ch, 3, 2, 1), nn.ReLU()]
        for _ in range({4: 1, 8: 2}[factor]):
            mods += [nn.Conv2d(ch, ch, 3, 2, 1, groups=ch), nn.Conv2d(ch, ch, 1), nn.ReLU()]
        self.conv = nn.Sequential(*mods)
        self.out = nn.Linear(ch * (N_MELS // factor), d)

    def forward(self, x):
        x = self.conv(x.unsqueeze(1))
        b, c, t, f = x.shape
        return self.out(x.transpose(1, 2).reshape(b, t, c * f))


def rel_shift(x):
    """(B,H,T,2T-1) scores against positions T-1..-(T-1) -> (B,H,T,T), Transformer-XL appendix B."""
    b, h, t, n = x.shape
    x = F.pad(x, (1, 0)).view(b, h, n + 1, t)
    return x[:, :, 1:].reshape(b, h, t, n)[:, :, :, : n // 2 + 1]


def sinusoid_positions(t, d, device, dtype=torch.float32):
    pos = torch.arange(t - 1, -t, -1, device=device, dtype=torch.float32).unsqueeze(1)
    div = torch.exp(torch.arange(0, d, 2, device=device, dtype=torch.float32) * (-math.log(10000.0) / d))
    pe = torch.stack((torch.sin(pos * div), torch.cos(pos * div)), dim=-1).reshape(2 * t - 1, d)
    return pe.to(dtype)


class RelPosAttention(nn.Module):
    """kind: eager (materialised scores) | sdpa (relative term passed as an additive mask) | none."""

    def __init__(self, d, heads, dropout, kind):
        super().__init__()
        self.h, self.dk, self.p, self.kind = heads, d // heads, dropout, kind
        self.qkv = nn.Linear(d, 3 * d)
        self.o = nn.Linear(d, d)
        if kind != "none":
            self.pos = nn.Linear(d, d, bias=False)
            self.u = nn.Parameter(torch.zeros(heads, self.dk))
            self.v = nn.Parameter(torch.zeros(heads, self.dk))

    def forward(self, x, pe, keep):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.h, self.dk).unbind(2)
        k, v = k.transpose(1, 2), v.transpose(1, 2)
        p = self.p if self.training else 0.0
        scale = 1.0 / math.sqrt(self.dk)
        keep = keep[:, None, None, :]
        if self.kind == "none":
            q = q.transpose(1, 2)
            if HAS_SDPA:
                y = F.scaled_dot_product_attention(q, k, v, attn_mask=keep, dropout_p=p)
            else:
                y = self._softmax(torch.matmul(q, k.transpose(-2, -1)) * scale, keep, p) @ v
        else:
            r = self.pos(pe).view(-1, self.h, self.dk).permute(1, 2, 0)
            qu = (q + self.u.to(q.dtype)).transpose(1, 2)
            bd = rel_shift(torch.matmul((q + self.v.to(q.dtype)).transpose(1, 2), r))
            if self.kind == "sdpa" and HAS_SDPA:
                bias = (bd * scale).masked_fill(~keep, -1e4)
                y = F.scaled_dot_product_attention(qu, k, v, attn_mask=bias.to(qu.dtype), dropout_p=p)
            else:
                s = (torch.matmul(qu, k.transpose(-2, -1)) + bd) * scale
                y = self._softmax(s, keep, p).to(v.dtype) @ v
        return self.o(y.transpose(1, 2).reshape(b, t, d))

    @staticmethod
    def _softmax(s, keep, p):
        return F.dropout(torch.softmax(s.masked_fill(~keep, -1e4), dim=-1), p)


class ConvModule(nn.Module):
    def __init__(self, d, kernel, dropout, norm):
        super().__init__()
        self.pw1 = nn.Linear(d, 2 * d)
        self.dw = nn.Conv1d(d, d, kernel, padding=kernel // 2, groups=d)
        self.norm = nn.BatchNorm1d(d) if norm == "batch" else nn.LayerNorm(d)
        self.pw2 = nn.Linear(d, d)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, keep):
        x = F.glu(self.pw1(x), dim=-1).masked_fill(~keep.unsqueeze(-1), 0.0)
        x = self.dw(x.transpose(1, 2))
        if isinstance(self.norm, nn.BatchNorm1d):
            x = F.silu(self.norm(x)).transpose(1, 2)
        else:
            x = F.silu(self.norm(x.transpose(1, 2)))
        return self.drop(self.pw2(x))


class Block(nn.Module):
    def __init__(self, d, heads, kernel, dropout, attention, norm, ff=4):
        super().__init__()

        def ffn():
            return nn.Sequential(nn.LayerNorm(d), nn.Linear(d, ff * d), nn.SiLU(), nn.Dropout(dropout),
                                 nn.Linear(ff * d, d), nn.Dropout(dropout))
        self.ff1, self.ff2 = ffn(), ffn()
        self.att_norm, self.conv_norm, self.out_norm = nn.LayerNorm(d), nn.LayerNorm(d), nn.LayerNorm(d)
        self.att = RelPosAttention(d, heads, dropout, attention)
        self.conv = ConvModule(d, kernel, dropout, norm)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, pe, keep):
        x = x + 0.5 * self.ff1(x)
        x = x + self.drop(self.att(self.att_norm(x), pe, keep))
        x = x + self.conv(self.conv_norm(x), keep)
        x = x + 0.5 * self.ff2(x)
        return self.out_norm(x)


class ConformerCTC(nn.Module):
    """forward(features (B,T0,80), lengths (B,)) -> float32 log-probabilities (B,T,V)."""

    def __init__(self, cfg, vocab, sub=4, dropout=0.1, attention="sdpa", norm="batch", impl="own"):
        super().__init__()
        self.sub_factor, self.impl, d = sub, impl, cfg["d"]
        self.sub = Subsampling(d, sub, cfg["channels"])
        self.drop = nn.Dropout(dropout)
        if impl == "torchaudio":
            self.blocks = torchaudio.models.Conformer(d, cfg["heads"], 4 * d, cfg["layers"], cfg["kernel"], dropout)
        else:
            self.blocks = nn.ModuleList([Block(d, cfg["heads"], cfg["kernel"], dropout, attention, norm)
                                         for _ in range(cfg["layers"])])
        self.head = nn.Linear(d, vocab)

    def forward(self, x, lens):
        for _ in range({4: 2, 8: 3}[self.sub_factor]):
            lens = (lens + 1) // 2
        x = self.drop(self.sub(x.to(self.head.weight.dtype)))
        t = x.shape[1]
        if self.impl == "torchaudio":
            x, _ = self.blocks(x, lens)
        else:
            keep = torch.arange(t, device=x.device)[None, :] < lens[:, None]
            pe = sinusoid_positions(t, x.shape[2], x.device, x.dtype)
            for blk in self.blocks:
                x = blk(x, pe, keep)
        return F.log_softmax(self.head(x).float(), dim=-1)


# --------------------------------------------------------------------------- numeric policy

def set_fp32_matmul(policy):
    torch.set_float32_matmul_precision("highest" if policy == "fp32" else "high")
    with contextlib.suppress(Exception):
        torch.backends.cudnn.allow_tf32 = policy != "fp32"


def autocast(policy, device, cache=True):
    """Entered once per step: a longer-lived context would keep stale bf16 copies of the weights."""
    if policy != "bf16":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16, cache_enabled=cache)


class Parakeet(nn.Module):
    """transformers.ParakeetForCTC behind ConformerCTC's interface; 0 stays the blank of the loss, which costs the same."""

    def __init__(self, cfg, vocab, sub, dropout):
        super().__init__()
        from transformers import ParakeetCTCConfig, ParakeetForCTC
        encoder = dict(hidden_size=cfg["d"], num_hidden_layers=cfg["layers"], num_attention_heads=cfg["heads"],
                       intermediate_size=4 * cfg["d"], conv_kernel_size=cfg["kernel"], subsampling_factor=sub,
                       subsampling_conv_channels=cfg["channels"], num_mel_bins=N_MELS, dropout=dropout,
                       activation_dropout=dropout, attention_dropout=dropout, layerdrop=0.0)
        self.inner = ParakeetForCTC(ParakeetCTCConfig(vocab_size=vocab, pad_token_id=vocab - 1, encoder_config=encoder))
        self.blocks = self.inner.encoder.layers

    def forward(self, x, lens):
        mask = torch.arange(x.shape[1], device=x.device)[None, :] < lens[:, None]
        x = x.to(next(self.parameters()).dtype)
        return F.log_softmax(self.inner(input_features=x, attention_mask=mask).logits.float(), -1)


def greedy(logp, out_lens, host):
    """Greedy path with repeats and blanks zeroed, copied to the host buffer without a wait."""
    ids = logp.argmax(-1)
    prev = F.pad(ids, (1, 0), value=0)[:, :-1]
    live = torch.arange(ids.shape[1], device=ids.device)[None, :] < out_lens[:, None]
    ids = torch.where((ids != 0) & (ids != prev) & live, ids, torch.zeros_like(ids)).to(torch.int32)
    return host.copy_(ids, non_blocking=True)


# --------------------------------------------------------------------------- model benchmark

class Runner:
    """One size x mode x direction: owns the model, the optimizer and the per-shape callables.

    Training in bf16 is autocast over float32 weights; inference in bf16 casts the weights once."""

    def __init__(self, args, size, mode, device, train):
        self.args, self.device, self.train = args, device, train
        self.policy, self.compile_kw, self.by_graph, self.scheme = MODES[mode]
        torch.manual_seed(args.seed)
        set_fp32_matmul(self.policy)
        self.cfg = SIZES[size]
        if args.impl == "parakeet":
            self.model = Parakeet(self.cfg, args.vocab, args.sub, args.dropout)
        else:
            self.model = ConformerCTC(self.cfg, args.vocab, args.sub, args.dropout, args.attention, args.norm, args.impl)
        self.model = self.model.to(device).train(train)
        self.params = list(self.model.parameters())
        if train:
            kw = dict(lr=1e-4, betas=(0.9, 0.98), weight_decay=1e-3)
            if device.type == "cuda" and TORCH_VERSION >= (2, 0):
                kw["fused"] = True
            self.opt = torch.optim.AdamW(self.params, **kw)
        elif self.policy == "bf16":
            self.model.to(torch.bfloat16)
        self.call = self.model
        if self.compile_kw is not None:
            whole = args.compile_scope == "model" or (args.compile_scope == "auto" and "mode" in self.compile_kw)
            if whole or args.impl == "torchaudio":
                self.call = torch.compile(self.model, **self.compile_kw)
            else:  # regional compilation: one graph shared by all blocks
                for i, blk in enumerate(self.model.blocks):
                    self.model.blocks[i] = torch.compile(blk, **self.compile_kw)
        self.graphed = {}
        self.pool = torch.cuda.graph_pool_handle() if self.by_graph else None

    def forward(self, b):
        return self.graphed.get(b.shape(), self.call)(b.x, b.lens)

    def capture(self, batches):
        """CUDA graphs, one per batch shape, sharing one memory pool (shapes never run concurrently)."""
        for b in batches:
            if b.shape() in self.graphed:
                continue
            x, lens = b.x.clone(), b.lens.clone()
            if self.train:  # encoder forward and backward; the loss stays outside
                shell = Shell(self.model)
                with autocast(self.policy, self.device, cache=False):
                    self.graphed[b.shape()] = torch.cuda.make_graphed_callables(shell, (x, lens), pool=self.pool)
                continue
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    self.model(x, lens)
            torch.cuda.current_stream().wait_stream(side)
            g = torch.cuda.CUDAGraph()
            with torch.cuda.graph(g, pool=self.pool):
                y = self.model(x, lens)

            def replay(nx, nl, g=g, x=x, lens=lens, y=y):
                x.copy_(nx)
                lens.copy_(nl)
                g.replay()
                return y
            self.graphed[b.shape()] = replay

    def train_step(self, b):
        # a graphed callable must be called under the autocast state of its capture
        with autocast(self.policy, self.device, cache=not self.by_graph):
            logp = self.forward(b)
        loss = F.ctc_loss(logp.float().transpose(0, 1), b.targets, b.out_lens, b.target_lens,
                          reduction="sum", zero_infinity=True) / len(b.lens_list)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.params, 1.0)
        self.opt.step()
        self.opt.zero_grad(set_to_none=True)

    @torch.no_grad()
    def infer_step(self, b):
        greedy(self.forward(b), b.out_lens_dev, b.host_ids)

    def timed(self, batches, budget):
        """Warm pass over every batch (compilation and capture land here), then whole passes for `budget` s."""
        step = self.train_step if self.train else self.infer_step
        t0 = NOW()
        if self.by_graph:
            with contextlib.nullcontext() if self.train else torch.no_grad():
                self.capture(batches)
        for b in batches:
            step(b)
        sync(self.device)
        first = NOW() - t0
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        passes, t_start = [], NOW()
        while not passes or (len(passes) < 20 and NOW() - t_start + min(passes) < budget):
            t0 = NOW()
            for b in batches:
                step(b)
            sync(self.device)
            passes.append(NOW() - t0)
        return first, passes


class Shell(nn.Module):
    """make_graphed_callables replaces a module's forward: give each shape its own module, same parameters."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x, lens):
        return self.inner(x, lens)


def batch_seconds_for(args, size, device):
    if args.batch_seconds:
        return args.batch_seconds
    if device.type == "cpu":
        return 48.0
    return {"XS": 2400.0, "S": 2400.0, "M": 1200.0, "L": 600.0}[size]


def plan_of_file(path):
    """Batches as build/tests/bench/gpu_model plan prints them: a line each, frames of 10 ms."""
    with open(path) as lines:
        lens = [np.array([int(word) for word in line.split()]) for line in lines if line.strip()]
    return [(each, each.max()) for each in lens]


def build_batches(args, bsec, scheme, device):
    if args.plan:
        return [Batch(lens, pad, args.sub, args.vocab, 3.4, device, args.seed + i)
                for i, (lens, pad) in enumerate(plan_of_file(args.plan))]
    durations = draw_durations(max(8, int(args.batches * bsec / 12.0)), args.seed)
    tokens_per_second = 3.4 if args.vocab >= 256 else 14.0
    return [Batch(lens, pad, args.sub, args.vocab, tokens_per_second, device, args.seed + i)
            for i, (lens, pad) in enumerate(make_plan(durations, bsec, scheme, args.seed))]


def latency_ms(run, seconds):
    """Batch of one utterance, features on the device -> token ids on the host; median of 40."""
    a = run.args
    b = Batch([int(seconds * FRAMES_PER_SECOND)], int(seconds * FRAMES_PER_SECOND), a.sub, a.vocab, 3.4, run.device, 7)
    with torch.no_grad():
        if run.by_graph:
            run.capture([b])
        times = []
        for i in range(6 if run.device.type == "cpu" else 45):
            t0 = NOW()
            run.infer_step(b)
            sync(run.device)
            times.append(NOW() - t0)
    return float(np.median(times[3 if run.device.type == "cpu" else 5:])) * 1e3


def bench_model(args, size, mode, device, peak):
    rec = dict(bench="model", size=size, mode=mode, impl=args.impl, attention=args.attention, sub=args.sub,
               norm=args.norm, device=device.type, plan=args.plan or None)
    if MODES[mode][1] is not None and not HAS_COMPILE:
        return dict(rec, skipped="torch.compile absent")
    if MODES[mode][2] and device.type != "cuda":
        return dict(rec, skipped="needs CUDA")
    if args.impl == "torchaudio" and torchaudio is None:
        return dict(rec, skipped="torchaudio absent")
    bsec, scheme, cfg = batch_seconds_for(args, size, device), MODES[mode][3], SIZES[size]
    batches = build_batches(args, bsec, scheme, device)
    audio, utts = sum(b.seconds for b in batches), sum(len(b.lens_list) for b in batches)
    rel = args.impl == "parakeet" or args.impl == "own" and args.attention != "none"
    flops = sum(forward_flops(cfg, n / FRAMES_PER_SECOND, args.sub, args.vocab,
                              rel) for b in batches for n in b.lens_list)
    rec.update(batch_seconds=bsec, batches=len(batches), scheme=scheme, shapes=len({b.shape() for b in batches}),
               mean_utt_s=sig(audio / utts),
               padded_frac=sig(1 - sum(b.real_frames for b in batches) / sum(b.padded_frames for b in batches)),
               fwd_gflop_per_audio_s=sig(flops / audio / 1e9), peak_tflops=sig(peak / 1e12))
    for what in [w for w in args.what.split(",") if w]:
        run = None
        try:
            if hasattr(torch, "_dynamo"):
                torch._dynamo.reset()
            run = Runner(args, size, mode, device, what == "train")
            rec["params_m"] = sig(sum(p.numel() for p in run.params) / 1e6)
            first, passes = run.timed(batches, args.budget)
            t, f = float(np.median(passes)), flops * (3 if what == "train" else 1)
            rec.update({f"{what}_rtfx": sig(audio / t), f"{what}_rtfx_best": sig(audio / min(passes)),
                        f"{what}_hours_per_s": sig(audio / t / 3600), f"{what}_mfu": sig(f / t / peak),
                        f"{what}_tflops": sig(f / t / 1e12), f"{what}_ms_per_batch": sig(t / len(batches) * 1e3),
                        f"{what}_first_pass_s": sig(first), f"{what}_passes": len(passes)})
            if device.type == "cuda":
                rec[f"{what}_peak_gb"] = sig(torch.cuda.max_memory_allocated() / 2 ** 30)
            if what == "infer":
                rec["infer_b1_12s_ms"] = sig(latency_ms(run, 12.0))
        except Exception as e:
            rec[f"{what}_error"] = why(e)
            if args.verbose:
                traceback.print_exc()
        del run
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return rec


# --------------------------------------------------------------------------- micro-benchmarks

def clock(fn, device, budget=0.4, min_iters=5, max_iters=400, best=False):
    """Median (or best) seconds per call.  CUDA: event pairs, with 512 MB written between calls to empty the L2."""
    for _ in range(3):
        fn()
    sync(device)
    times, t_start = [], NOW()
    flush = torch.empty(128 << 20, device=device) if device.type == "cuda" else None
    while len(times) < min_iters or (NOW() - t_start < budget and len(times) < max_iters):
        if device.type == "cuda":
            flush.zero_()
            a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            a.record()
            fn()
            b.record()
            b.synchronize()
            times.append(a.elapsed_time(b) * 1e-3)
        else:
            t0 = NOW()
            fn()
            times.append(NOW() - t0)
    return float(min(times) if best else np.median(times))


class Micro:
    def __init__(self, args, device, peak, bandwidth):
        self.args, self.device, self.peak, self.bw = args, device, peak, bandwidth
        self.cpu = device.type == "cpu"
        self.half = torch.float32 if self.cpu else torch.bfloat16

    def emit(self, op, variant, seconds=None, flop=0.0, byte=0.0, error=None, **kw):
        rec = dict(bench="micro", op=op, variant=variant, **kw)
        if error is not None:
            rec["skipped"] = error
        else:
            floor = max(flop / self.peak, byte / self.bw)
            rec.update(us=sig(seconds * 1e6), floor_us=sig(floor * 1e6),
                       over_floor=sig(seconds / floor) if floor else None)
            if byte:
                rec["gb_s"] = sig(byte / seconds / 1e9)
            if flop:
                rec["tflops"] = sig(flop / seconds / 1e12)
        emit(rec)

    def attempt(self, op, variant, make, flop=0.0, byte=0.0, **kw):
        try:
            self.emit(op, variant, clock(make(), self.device), flop, byte, **kw)
        except Exception as e:
            self.emit(op, variant, error=why(e), **kw)
            if self.args.verbose:
                traceback.print_exc()

    # GEMMs at the encoder's own shapes: the honest ceiling for the matrix part of MFU
    def gemm(self):
        tokens = 512 if self.cpu else 20000
        for d in ((144,) if self.args.quick else (144, 256, 512)):
            for m, k, n, what in ((tokens, d, 4 * d, "ffn1"), (tokens, 4 * d, d, "ffn2"), (tokens, d, 3 * d, "qkv"),
                                  (d, tokens, 4 * d, "ffn1 wgrad")):
                a = torch.randn(m, k, device=self.device, dtype=self.half)
                b = torch.randn(n, k, device=self.device, dtype=self.half).t()
                self.attempt("gemm", what, lambda: lambda: a @ b, 2.0 * m * n * k,
                             a.element_size() * (m * k + k * n + m * n), m=m, n=n, k=k)

    def ctc(self):
        """forward+backward from log-probabilities, and from logits (log_softmax included)."""
        grid = [(75, 4, 10, 128)] if self.args.quick else \
               [(75, 32, 20, 1024), (150, 64, 40, 1024), (300, 16, 40, 1024), (300, 64, 40, 128), (300, 64, 40, 1024),
                (300, 64, 130, 64), (500, 32, 60, 5000), (500, 64, 200, 1024), (1500, 8, 150, 1024)]
        if self.cpu and not self.args.quick:
            grid = [g for g in grid if g[0] * g[1] * g[3] <= 300 * 16 * 1024]
        dev = self.device
        for t, b, s, v in grid:
            kw = dict(T=t, B=b, S=s, V=v)
            logits = torch.randn(t, b, v, device=dev)
            tgt2 = torch.randint(1, v, (b, s))
            tl = torch.full((b,), s, dtype=torch.long)
            full = torch.full((b,), t, dtype=torch.long)
            ragged = torch.linspace(0.6 * t, t, b).long()
            ragged[-1] = t
            # floor: read bf16 logits once, write bf16 gradient once (an fp32 op moves twice that, and eager
            # log_softmax + ctc + backward far more); the T-step recursion adds ~0.1 us per step of latency
            byte = t * b * v * 4.0

            def from_logp(lens, targets, lt):
                lp = logits.log_softmax(-1).detach().requires_grad_()

                def f():
                    lp.grad = None
                    F.ctc_loss(lp, targets, lens, lt, reduction="sum", zero_infinity=True).backward()
                return f

            def from_logits(lens, targets, lt, dtype):
                x = logits.to(dtype).detach().requires_grad_()

                def f():
                    x.grad = None
                    F.ctc_loss(F.log_softmax(x.float(), -1), targets, lens, lt, reduction="sum",
                               zero_infinity=True).backward()
                return f
            tgt_dev = tgt2.to(dev)
            torch.backends.cudnn.enabled = False
            self.attempt("ctc", "native from log-probs, ragged", lambda: from_logp(ragged, tgt_dev, tl), 0, byte, **kw)
            self.attempt("ctc", "native from logits, ragged",
                         lambda: from_logits(ragged, tgt_dev, tl, self.half), 0, byte, **kw)
            torch.backends.cudnn.enabled = True
            if self.cpu:
                continue
            flat = tgt2.reshape(-1).to(torch.int32)
            # host lengths must be tuples (old cuDNN call: every length == T, targets on the host);
            # device int32 lengths reach the v8 call (ragged allowed, targets < 256, reads lengths back)
            for name, fl, lens, lt in (
                    ("cudnn v7 call, lengths all T", flat, tuple(full.tolist()), tuple(tl.tolist())),
                    ("cudnn v8 call, ragged", flat.to(dev), ragged.int().to(dev), tl.int().to(dev))):
                try:
                    if not torch._use_cudnn_ctc_loss(logits.log_softmax(-1), fl, lens, lt, 0):
                        raise RuntimeError("not eligible for cuDNN")
                except Exception as e:
                    self.emit("ctc", name, error=why(e), **kw)
                    continue
                self.attempt("ctc", name, lambda: from_logp(lens, fl, lt), 0, byte, **kw)

    def layernorm(self):
        rows = 512 if self.cpu else 60000
        for d in ((144,) if self.args.quick else (144, 256, 512)):
            x = torch.randn(rows, d, device=self.device, dtype=self.half, requires_grad=True)
            r = torch.randn(rows, d, device=self.device, dtype=self.half, requires_grad=True)
            w = torch.ones(d, device=self.device, dtype=self.half, requires_grad=True)
            b = torch.zeros(d, device=self.device, dtype=self.half, requires_grad=True)
            g = torch.randn_like(x)
            e = x.element_size() * rows * d

            def chain(y, res):  # dropout, residual add, next block's norm: what the fused kernel replaces
                h = res + 0.5 * F.dropout(y, 0.1)
                return h, F.layer_norm(h, (d,), w, b)
            self.attempt("layernorm", "forward", lambda: lambda: F.layer_norm(x, (d,), w, b).detach(), 0, 2.0 * e,
                         rows=rows, d=d)
            self.attempt("layernorm", "forward+backward",
                         lambda: lambda: F.layer_norm(x, (d,), w, b).backward(g), 0, 5.0 * e, rows=rows, d=d)

            def fb(fn):
                def f():
                    h, n = fn(x, r)
                    torch.autograd.backward([h, n], [g, g])
                return f
            # forward reads y, res and writes h, n; backward reads dh, dn, h and writes dy, dres
            self.attempt("dropout+residual+layernorm", "eager fwd+bwd", lambda: fb(chain), 0, 9.0 * e, rows=rows, d=d)
            if HAS_COMPILE and not self.cpu:
                self.attempt("dropout+residual+layernorm", "compiled fwd+bwd", lambda: fb(torch.compile(chain,
                                                                                                        dynamic=False)), 0, 9.0 * e,
                             rows=rows, d=d)

    def depthwise(self):
        shapes = [(2, 64, 64, 15)] if self.args.quick else [(64, 300, 144, 31), (64, 300, 256, 31), (64, 300, 512, 31),
                                                            (64, 150, 512, 9)]
        if self.cpu and not self.args.quick:
            shapes = [(4, t, d, k) for _, t, d, k in shapes]
        for b, t, d, k in shapes:
            x = torch.randn(b, d, t, device=self.device, dtype=self.half, requires_grad=True)
            conv = nn.Conv1d(d, d, k, padding=k // 2, groups=d).to(self.device, self.half)
            g = torch.randn_like(x)
            e = x.element_size() * x.numel()
            kw = dict(B=b, T=t, d=d, k=k)
            fl = 2.0 * x.numel() * k
            vector = self.peak if self.cpu else 60e12  # CUDA cores, not tensor cores
            fl *= self.peak / vector
            self.attempt("depthwise conv1d", "forward", lambda: lambda: conv(x).detach(), fl, 2.0 * e, **kw)
            self.attempt("depthwise conv1d", "forward+backward", lambda: lambda: conv(x).backward(g), 3 * fl,
                         6.0 * e, **kw)
            bn = nn.BatchNorm1d(d).to(self.device)
            h = torch.randn(b, t, 2 * d, device=self.device, dtype=self.half, requires_grad=True)
            g2 = torch.randn(b, t, d, device=self.device, dtype=self.half)

            def chain(h):
                z = conv(F.glu(h, dim=-1).transpose(1, 2))
                return F.silu(bn(z.float()).to(z.dtype)).transpose(1, 2)

            def fb(fn):
                return lambda: fn(h).backward(g2)
            # BN needs z twice: forward r2 w1(z) r1 w1, backward r(g) r(z) x2 r(h)2 w(dh)2 w/r(dz)2
            self.attempt("glu+depthwise+batchnorm+swish", "eager fwd+bwd", lambda: fb(chain), 0, 15.0 * e, **kw)
            if HAS_COMPILE and not self.cpu:
                self.attempt("glu+depthwise+batchnorm+swish", "compiled fwd+bwd", lambda: fb(torch.compile(chain,
                                                                                                           dynamic=False)), 0,
                             15.0 * e, **kw)

    def attention(self):
        shapes = [(2, 2, 48, 16)] if self.args.quick else [(64, 4, 300, 36), (64, 4, 300, 64), (64, 8, 300, 64),
                                                           (64, 8, 150, 64), (16, 8, 1024, 64)]
        if self.cpu and not self.args.quick:
            shapes = [(2, h, t, dk) for _, h, t, dk in shapes]
        for b, h, t, dk in shapes:
            kw = dict(B=b, H=h, T=t, dk=dk)
            q, k, v, g = (torch.randn(b, h, t, dk, device=self.device, dtype=self.half) for _ in range(4))
            pos = torch.randn(h, dk, 2 * t - 1, device=self.device, dtype=self.half)
            leaves = [x.requires_grad_() for x in (q, k, v, pos)]
            scale = dk ** -0.5

            def xl():
                s = (q @ k.transpose(-2, -1) + rel_shift(q @ pos)) * scale
                return torch.softmax(s, -1) @ v

            def sdpa_bias():
                return F.scaled_dot_product_attention(q, k, v, attn_mask=rel_shift(q @ pos) * scale)

            def sdpa_plain():
                return F.scaled_dot_product_attention(q, k, v)

            def flex_bd():
                from torch.nn.attention.flex_attention import flex_attention
                global _FLEX
                try:
                    _FLEX
                except NameError:
                    _FLEX = torch.compile(flex_attention, dynamic=False)
                bd = q @ pos

                def mod(score, bi, hi, qi, ki):
                    return score + bd[bi, hi, qi, ki - qi + (t - 1)] * scale
                return _FLEX(q, k, v, score_mod=mod)
            variants = [("eager transformer-xl", xl, 3)]
            if HAS_SDPA:
                variants += [("sdpa + materialised bias", sdpa_bias, 3), ("sdpa, no relative term", sdpa_plain, 2)]
            if not self.cpu and HAS_COMPILE:
                variants += [("compiled transformer-xl", None, 3), ("flex_attention", flex_bd, 3)]
            elems = float(b * h * t * dk) * q.element_size()
            for name, fn, mats in variants:
                if name == "compiled transformer-xl":
                    try:
                        fn = torch.compile(xl, dynamic=False)
                    except Exception as e:
                        self.emit("attention", name, error=why(e), **kw)
                        continue
                fl = 2.0 * mats * b * h * t * t * dk
                self.attempt("attention", name + " forward", lambda: lambda: fn().detach(), fl, 4 * elems, **kw)

                def fb():
                    for x in leaves:
                        x.grad = None
                    fn().backward(g)
                # backward floor 2.5x the forward products (recomputed scores), flash-style traffic
                self.attempt("attention", name + " fwd+bwd", lambda: fb, 3.5 * fl, 12 * elems, **kw)

    def logmel(self):
        b, sec = (2, 4) if self.cpu else (64, 15)
        wav = torch.randn(b, sec * 16000, device=self.device) * 0.1
        win = torch.hann_window(400, device=self.device)
        fb = torch.rand(257, N_MELS, device=self.device)

        def pure():
            z = torch.stft(wav, 512, 160, 400, win, return_complex=True)
            p = z.real.square() + z.imag.square()
            x = torch.log(p.transpose(1, 2) @ fb + 1e-9)
            return (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1e-5)
        byte = b * sec * (16000 * 4.0 + 100 * N_MELS * 4.0)
        self.attempt("log-mel", "torch.stft + matmul + per-feature norm", lambda: pure, 0, byte, audio_s=b * sec)
        if torchaudio is None:
            self.emit("log-mel", "torchaudio", error="torchaudio absent")
            return

        def ta():
            mel = torchaudio.transforms.MelSpectrogram(16000, 512, 400, 160, n_mels=N_MELS).to(self.device)
            return lambda: torch.log(mel(wav) + 1e-9)
        self.attempt("log-mel", "torchaudio.MelSpectrogram + log", ta, 0, byte, audio_s=b * sec)

    def optimizer(self):
        for size in (("XS",) if self.args.quick else ("S", "M", "L")):
            m = ConformerCTC(SIZES[size], self.args.vocab).to(self.device)
            ps = list(m.parameters())
            n = sum(p.numel() for p in ps)
            for p in ps:
                p.grad = torch.randn_like(p)
            kinds = [("default", {})]
            if TORCH_VERSION >= (2, 0) and not self.cpu:
                kinds = [("foreach", dict(foreach=True)), ("fused", dict(fused=True))]
            for name, kw in kinds:
                opt = torch.optim.AdamW(ps, lr=1e-5, **kw)
                # fp32 p, m, v read+write, gradient read twice (norm, update), bf16 copy written
                self.attempt("clip+adamw", name,
                             lambda: lambda: (torch.nn.utils.clip_grad_norm_(ps, 1.0), opt.step()), 0, 34.0 * n,
                             size=size, tensors=len(ps), params_m=sig(n / 1e6))

    def greedy(self):
        b, t, v = (2, 75, 128) if self.args.quick or self.cpu else (64, 300, 1024)
        lp = torch.randn(b, t, v, device=self.device)
        lens = torch.full((b,), t, device=self.device)
        host = torch.empty(b, t, dtype=torch.int32, pin_memory=not self.cpu)
        self.attempt("greedy decode", "argmax+collapse+copy", lambda: lambda: greedy(lp, lens, host), 0,
                     b * t * v * 4.0, B=b, T=t, V=v)


MICRO = ["gemm", "ctc", "layernorm", "depthwise", "attention", "logmel", "optimizer", "greedy"]


# --------------------------------------------------------------------------- ceilings and main

def measure_ceilings(args, device):
    """(matmul FLOP/s, copy bytes/s counting reads and writes).  Random data: zeros run faster."""
    if device.type == "cuda":
        n, dt = 8192, torch.bfloat16
        src = torch.empty(1 << 30, device=device, dtype=torch.uint8).random_()
    else:
        n, dt = 1024, torch.float32
        src = torch.empty(64 << 20, dtype=torch.uint8).random_()
    a, b = (torch.randn(n, n, device=device, dtype=dt) for _ in range(2))
    dst = torch.empty_like(src)
    flops = 2.0 * n ** 3 / clock(lambda: a @ b, device, best=True)
    bw = 2.0 * src.numel() / clock(lambda: dst.copy_(src), device, best=True)
    if args.peak_tflops:
        flops = args.peak_tflops * 1e12
    return flops, bw


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sizes", default="S,M,L")
    ap.add_argument("--modes", default="tf32,bf16,compile,graph", help=f"of {','.join(MODES)}, or none")
    ap.add_argument("--what", default="train,infer")
    ap.add_argument("--micro", default="", help=f"of {','.join(MICRO)}, or all")
    ap.add_argument("--impl", default="own", choices=["own", "torchaudio", "parakeet"])
    ap.add_argument("--plan", default="", help="file of batches, instead of drawing durations; for modes that sort")
    ap.add_argument("--attention", default="sdpa", choices=["eager", "sdpa", "none"])
    ap.add_argument("--norm", default="batch", choices=["batch", "layer"])
    ap.add_argument("--compile-scope", default="auto", choices=["auto", "block", "model"],
                    help="auto: blocks, except whole model when torch.compile makes CUDA graphs")
    ap.add_argument("--sub", type=int, default=4, choices=[4, 8])
    ap.add_argument("--vocab", type=int, default=1024)
    ap.add_argument("--dropout", type=float, default=0.1)
    ap.add_argument("--batch-seconds", type=float, default=0.0, help="audio per batch; 0: by size and device")
    ap.add_argument("--batches", type=int, default=12, help="distinct batches per pass")
    ap.add_argument("--budget", type=float, default=5.0, help="timed seconds per size, mode and direction")
    ap.add_argument("--peak-tflops", type=float, default=0.0, help="MFU denominator; 0: measure a matmul")
    ap.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    ap.add_argument("--threads", type=int, default=0)
    ap.add_argument("--cpu-time", action="store_true",
                    help="clock the process's CPU time instead of wall time: with --threads 1, immune to other load")
    ap.add_argument("--seed", type=int, default=1234)
    ap.add_argument("--quick", action="store_true", help="tiny shapes, for a smoke test")
    ap.add_argument("--verbose", action="store_true")
    args = ap.parse_args()
    if args.cpu_time:
        global NOW
        NOW = time.process_time
    device = torch.device(args.device)
    if args.threads:
        torch.set_num_threads(args.threads)
    if HAS_COMPILE:
        with contextlib.suppress(Exception):
            importlib.import_module("torch._dynamo").config.cache_size_limit = 64
    if args.quick:
        args.batches, args.budget = min(args.batches, 2), min(args.budget, 1.0)
        args.batch_seconds = args.batch_seconds or 12.0
    peak, bw = measure_ceilings(args, device)
    env = dict(bench="env", torch=torch.__version__, python=platform.python_version(),
               torchaudio=getattr(torchaudio, "__version__", None), device=device.type,
               threads=torch.get_num_threads(), matmul_tflops=sig(peak / 1e12), copy_gb_s=sig(bw / 1e9),
                   args=vars(args))
    if device.type == "cuda":
        p = torch.cuda.get_device_properties(0)
        env.update(gpu=p.name, sms=p.multi_processor_count, cudnn=torch.backends.cudnn.version(),
                   cuda=torch.version.cuda)
    emit(env)
    for size in [s for s in args.sizes.split(",") if s]:
        for mode in [m for m in args.modes.split(",") if m and m != "none"]:
            try:
                emit(bench_model(args, size, mode, device, peak))
            except Exception as e:
                emit(dict(bench="model", size=size, mode=mode, skipped=why(e)))
                if args.verbose:
                    traceback.print_exc()
    if args.micro:
        micro = Micro(args, device, peak, bw)
        for name in (MICRO if args.micro == "all" else args.micro.split(",")):
            getattr(micro, name)()


if __name__ == "__main__":
    sys.exit(main())
