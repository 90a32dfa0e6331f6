#!/usr/bin/env python3
"""The two numbers of every kernel of the CUDA backend: operations and fewest bytes, for one training batch, and the time
no H100 goes below with them. Prints the table of kernels/README.md.

    python3 tests/bench/kernel_floors.py                             prints the table
    python3 tests/bench/kernel_floors.py --write kernels/README.md   puts it there, between the two marks
    python3 tests/bench/kernel_floors.py --check kernels/README.md   fails when it is another one, or a kernel lacks a row
    python3 tests/bench/kernel_floors.py --letters                   the batch, as tests/bench/kernels.c takes it
"""
import re
import sys
from pathlib import Path

COPY = 3.0e12      # bytes a second: a copy on an H100
PRODUCT = 798e12   # operations a second: a bf16 product on an H100
# What is expected of the kernels as they are written. Guesses until a GPU has measured them:
LOADS = 132 * 32 * 1.7e9   # 4-byte loads a second from shared memory or the L1 cache: 32 lanes a cycle and multiprocessor
REACHED = 0.8              # share of a ceiling that plain code and cuBLASLt reach
LAUNCH = 2e-6              # seconds between the starts of two kernels of one stream
MARKS = "<!-- kernel_floors.py -->", "<!-- end of kernel_floors.py -->"

# The batch: preset L (17 blocks) with subsampling 8, 60 utterances of 12 s, bf16 activations.
LETTERS = dict(
    U=60,        # utterances
    T=150,       # frames of each after the subsampling
    R=60 * 150,  # rows
    C=512,       # channels
    F=2048,      # channels of the feed-forward halves
    H=8,         # heads
    D=64,        # channels of a head
    K=31,        # taps of the depthwise convolution
    V=1025,      # classes: 1024 units and the blank
    S=48,        # labels of each utterance
    N=192000,    # samples of each utterance
    B=80,        # mel bins
    G=256,       # channels of the subsampling
    Q=9,         # its taps: 3 x 3
    b=2,         # bytes of an activation
)


def parameters(l):
    """Of the model: 17 blocks, the subsampling and the head."""
    C, F, K, G, V = l["C"], l["F"], l["K"], l["G"], l["V"]
    feedforward = 2 * (2 * C * F + F + C)
    attention = 5 * C * C + 4 * C + 2 * C
    convolution = 3 * C * C + 3 * C + C * (K + 1) + 2 * C
    subsampling = 10 * G + 2 * (10 * G + G * G + G) + 10 * G * C + C
    return 17 * (feedforward + attention + convolution + 10 * C) + subsampling + C * V + V


LETTERS["P"] = parameters(LETTERS)

# Operation; its kernels; operations; fewest bytes: every input read once, every output written once, nothing between.
# 8 R is the rows of features, 4 R, 2 R, R those after each convolution, with B / 2, B / 4, B / 8 bins.
ROWS = [
    ("**Front end and subsampling**",),
    ("frontend_forward", "frontend_log_mel_kernel frontend_normalise_kernel", "8 R (2.5 * 512 * 9 + 4 * 257 + 8 B)", "2 U N + 4 * 8 R B"),
    ("spec_augment", "spec_augment_kernel", "0", "4 * 8 R B / 10"),
    ("conv2d_forward", "conv2d_forward_kernel", "2 * 4 R (B/2) G Q", "4 * 8 R B + b * 4 R (B/2) G"),
    ("conv2d_backward", "conv2d_gradient_kernel conv2d_add_parts_kernel", "2 * 4 R (B/2) G (Q + 1)", "4 * 8 R B + b * 4 R (B/2) G"),
    ("depthwise_conv2d_forward, stage 2", "conv2d_forward_kernel", "2 * 2 R (B/4) G Q", "b * 4 R (B/2) G + b * 2 R (B/4) G"),
    ("depthwise_conv2d_backward, stage 2", "depthwise_conv2d_dx_kernel conv2d_gradient_kernel conv2d_add_parts_kernel", "4 * 2 R (B/4) G Q", "2 b * 4 R (B/2) G + b * 2 R (B/4) G"),
    ("depthwise_conv2d_forward, stage 3", "conv2d_forward_kernel", "2 R (B/8) G Q", "b * 2 R (B/4) G + b R (B/8) G"),
    ("depthwise_conv2d_backward, stage 3", "depthwise_conv2d_dx_kernel conv2d_gradient_kernel conv2d_add_parts_kernel", "4 R (B/8) G Q", "2 b * 2 R (B/4) G + b R (B/8) G"),
    ("with cuDNN: stage 2's input as an image", "image_make_kernel", "0", "(b + 4) 4 R (B/2) G"),
    ("with cuDNN: its output from an image", "image_take_kernel", "2 R (B/4) G", "(b + 4) 2 R (B/4) G"),
    ("gemm_forward, pointwise of stage 2", "cuBLASLt, gemm_bias_kernel", "2 * 2 R (B/4) G G", "b (2 * 2 R (B/4) G + G G)"),
    ("relu_forward, stage 1", "relu_forward_kernel", "4 R (B/2) G", "2 b * 4 R (B/2) G"),
    ("relu_backward, stage 1", "relu_backward_kernel", "4 R (B/2) G", "3 b * 4 R (B/2) G"),
    ("transpose_inner", "transpose_inner_kernel", "0", "2 b R (B/8) G"),
    ("**Products of a block**",),
    ("gemm_forward, C to F", "cuBLASLt, gemm_bias_kernel", "2 R C F", "b (R C + R F + C F)"),
    ("gemm_backward_input, F to C", "cuBLASLt", "2 R C F", "b (R C + R F + C F)"),
    ("gemm_backward_weight, C to F", "cuBLASLt, columns_tile_kernel columns_finish_kernel", "2 R C F + R F", "b (R C + R F) + 8 C F"),
    ("gemm_forward, C to C", "cuBLASLt, gemm_bias_kernel", "2 R C C", "b (2 R C + C C)"),
    ("gemm_forward, C to V (head)", "cuBLASLt, gemm_bias_kernel", "2 R C V", "b (R C + R V + C V)"),
    ("gemm_forward, C to F, our own", "gemm_own_kernel", "2 R C F", "b (R C + R F + C F)"),
    ("gemm_backward_input, F to C, our own", "gemm_own_kernel", "2 R C F", "b (R C + R F + C F)"),
    ("gemm_backward_weight, C to F, our own", "gemm_own_kernel columns_tile_kernel columns_finish_kernel", "2 R C F + R F", "b (R C + R F) + 8 C F"),
    ("**Attention**",),
    ("attention_forward", "attention_forward_kernel zero_spare_rows_kernel", "6 U T T C + 6 U T T H", "b (4 R C + 2 T C) + 4 R H"),
    ("attention_backward", "attention_dot_kernel attention_dq_kernel attention_dkv_kernel attention_dp_kernel attention_add_positions_kernel attention_add_bias_kernel zero_spare_rows_kernel", "16 U T T C + 10 U T T H", "b (8 R C + 4 T C) + 4 R H"),
    ("**Convolution module**",),
    ("glu_forward", "glu_forward_kernel", "5 R C", "3 b R C"),
    ("glu_backward", "glu_backward_kernel", "8 R C", "5 b R C"),
    ("depthwise_forward", "depthwise_correlate_kernel zero_spare_rows_kernel", "2 R C K", "2 b R C + 4 C K"),
    ("depthwise_backward", "depthwise_correlate_kernel depthwise_gradient_kernel depthwise_add_parts_kernel zero_spare_rows_kernel", "4 R C K", "3 b R C + 12 C K"),
    ("batchnorm_forward", "columns_tile_kernel columns_finish_kernel batchnorm_apply_kernel", "8 R C", "2 b R C"),
    ("batchnorm_backward", "columns_tile_kernel columns_finish_kernel batchnorm_backward_kernel", "10 R C", "3 b R C"),
    ("batchnorm_infer", "batchnorm_apply_kernel", "3 R C", "2 b R C"),
    ("**Norms, activations, residuals**",),
    ("layernorm_forward", "layernorm_forward_kernel", "8 R C", "2 b R C + 8 R"),
    ("layernorm_backward", "layernorm_backward_kernel columns_tile_kernel columns_finish_kernel", "14 R C", "3 b R C + 8 R"),
    ("silu_forward", "silu_forward_kernel", "4 R F", "2 b R F"),
    ("silu_backward", "silu_backward_kernel", "7 R F", "3 b R F"),
    ("dropout", "dropout_kernel", "14 R F", "2 b R F"),
    ("residual_forward", "dropout_kernel", "16 R C", "3 b R C"),
    ("residual_backward", "dropout_kernel", "15 R C", "2 b R C"),
    ("add", "add_kernel", "R C", "3 b R C"),
    ("scale", "scale_kernel", "R C", "2 b R C"),
    ("**Loss, decoding, optimiser**",),
    ("softmax_forward", "softmax_forward_kernel", "5 R V", "2 b R V"),
    ("softmax_backward", "softmax_backward_kernel", "4 R V", "3 b R V"),
    ("log_softmax_forward", "log_softmax_forward_kernel", "5 R V", "b R V + 4 R V"),
    ("log_softmax_backward", "log_softmax_backward_kernel", "4 R V", "8 R V + b R V"),
    ("ctc_loss", "ctc_order_kernel ctc_lse_kernel ctc_lattice_kernel ctc_gradient_kernel", "6 R V + 24 R (2 S + 1)", "2 b R V + 4 U (2 S + 1)"),
    ("greedy_decode", "greedy_decode_kernel", "3 R V", "b R V + 8 R"),
    ("tally_batch, tally_step", "tally_batch_kernel tally_step_kernel", "U", "4 U"),
    ("tally_keep, 17 blocks", "tally_keep_kernel", "0", "8 (34 C)"),
    ("gradient_norm", "gradient_squares_kernel gradient_norm_kernel", "2 P", "4 P"),
    ("adamw_step", "adamw_step_kernel", "14 P", "(28 + b) P"),
    ("memory_cast", "memory_cast_kernel", "0", "(4 + b) P"),
]

# Where something else than the floor's bytes or operations bounds the kernels as they are: loads, one for each time that a
# thread reads a factor of a multiply-add; the bytes that they do move; or seconds, of steps that wait for each other.
BOUND = {
    "frontend_forward": ("loads", "8 R 12500"),  # 8 stages of 128 butterflies, 10 accesses each, then the filters
    "conv2d_forward": ("loads", "4 R (B/2) G 2 Q"),
    "conv2d_backward": ("loads", "4 R (B/2) G 2 (Q + 1)"),
    "depthwise_conv2d_forward, stage 2": ("loads", "2 R (B/4) G 2 Q"),
    "depthwise_conv2d_backward, stage 2": ("loads", "4 R (B/2) G Q / 2 + 2 R (B/4) G 2 (Q + 1)"),
    "depthwise_conv2d_forward, stage 3": ("loads", "R (B/8) G 2 Q"),
    "depthwise_conv2d_backward, stage 3": ("loads", "2 R (B/4) G Q / 2 + R (B/8) G 2 (Q + 1)"),
    "gemm_backward_weight, C to F": ("bytes", "b (R C + 2 R F) + 8 C F"),  # the bias reads dy again
    "gemm_forward, C to F, our own": ("loads", "R C F / 2"),  # a thread has 4 x 4 results: 8 loads for 16 multiply-adds
    "gemm_backward_input, F to C, our own": ("loads", "R C F / 2"),
    "gemm_backward_weight, C to F, our own": ("loads", "R C F / 2"),
    "attention_forward": ("loads", "6 U T T C"),    # three products, two loads a multiply-add
    "attention_backward": ("loads", "27 U T T C"),  # dq, dkv and dp make the scores again: 9, 10 and 8 loads
    "depthwise_forward": ("loads", "2 R C K"),
    "depthwise_backward": ("loads", "2 R C K + 2 R C (K + 1)"),
    "batchnorm_forward": ("bytes", "4 b R C"),   # x is read three times
    "batchnorm_backward": ("bytes", "5 b R C"),  # x and dy twice
    "layernorm_backward": ("bytes", "5 b R C"),  # x and dy twice
    "softmax_forward": ("bytes", "3 b R V"),     # a row is read twice, from the cache if it is lucky
    "ctc_loss": ("seconds", "T 1.5e-6"),         # a frame of the lattice: two barriers and a logarithm
}

# Calls of one training step of that batch. What has no row of its own counts as a multiple of one that is like it.
BLOCKS = 17
STEP = [
    ("frontend_forward", 1), ("spec_augment", 1), ("conv2d_forward", 1), ("conv2d_backward", 1),
    ("depthwise_conv2d_forward, stage 2", 1), ("depthwise_conv2d_backward, stage 2", 1),
    ("depthwise_conv2d_forward, stage 3", 1), ("depthwise_conv2d_backward, stage 3", 1),
    ("gemm_forward, pointwise of stage 2", 3 * 1.25),  # forward, two backward; stage 3 has a quarter
    ("relu_forward, stage 1", 1.31), ("relu_backward, stage 1", 1.31), ("transpose_inner", 2),
    ("gemm_forward, C to F", 3 * 1.25),                # 10 G to C, behind the subsampling
    ("gemm_forward, C to F", 4 * BLOCKS), ("gemm_backward_input, F to C", 4 * BLOCKS), ("gemm_backward_weight, C to F", 4 * BLOCKS),
    ("gemm_forward, C to C", 3 * 7 * BLOCKS),          # q, k, v, o, and the convolution's 2 + 1; forward, two backward
    ("attention_forward", BLOCKS), ("attention_backward", BLOCKS),
    ("glu_forward", BLOCKS), ("glu_backward", BLOCKS), ("depthwise_forward", BLOCKS), ("depthwise_backward", BLOCKS),
    ("batchnorm_forward", BLOCKS), ("batchnorm_backward", BLOCKS),
    ("layernorm_forward", 5 * BLOCKS), ("layernorm_backward", 5 * BLOCKS),
    ("silu_forward", 2.25 * BLOCKS), ("silu_backward", 2.25 * BLOCKS), ("dropout", 4 * BLOCKS),
    ("residual_forward", 4 * BLOCKS), ("residual_backward", 4 * BLOCKS), ("add", 4 * BLOCKS),
    ("gemm_forward, C to V (head)", 3), ("ctc_loss", 1),
    ("tally_batch, tally_step", 1), ("tally_keep, 17 blocks", 1), ("gradient_norm", 1), ("adamw_step", 1),
]


def value(formula, letters=LETTERS):
    """'2 R (C + 1)' means 2 * R * (C + 1)."""
    expression = re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", formula)
    return eval(expression, {"__builtins__": {}}, dict(letters))


def engineering(x, unit):
    for scale, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if x >= scale:
            return f"{x / scale:.3g} {prefix}{unit}"
    return f"{x:.3g} {unit}"


def floor_of(row, letters=LETTERS):
    """Seconds, and whether bytes or operations are the bound."""
    compute, memory = value(row[2], letters) / PRODUCT, value(row[3], letters) / COPY
    return max(compute, memory), "bytes" if memory >= compute else "operations"


def expected_of(row, letters=LETTERS):
    """Seconds that the kernels as they are should take, and what bounds them."""
    bound, formula = BOUND.get(row[0], ("", "0"))
    seconds = {"loads": 1 / LOADS, "bytes": 1 / COPY / REACHED}.get(bound, 1) * value(formula, letters)
    floor, by = floor_of(row, letters)
    launches = LAUNCH * len(row[1].split())
    return max((seconds, bound), (floor / REACHED, by), (launches, "launches"))


def step():
    """Seconds of one training step: at the floor, and as expected."""
    rows = {row[0]: row for row in ROWS if len(row) > 1}
    zeroed = 4 * LETTERS["P"] / COPY  # the gradients
    return (zeroed + sum(times * floor_of(rows[name])[0] for name, times in STEP),
            zeroed / REACHED + sum(times * expected_of(rows[name])[0] for name, times in STEP))


def table():
    out = ["| operation | kernels | operations | fewest bytes | = | = | floor | by | expected | by |",
           "| --- | --- | --- | --- | ---: | ---: | ---: | --- | ---: | --- |"]
    for row in ROWS:
        if len(row) == 1:
            out.append(f"| {row[0]} | | | | | | | | | |")
            continue
        name, kernels, operations, fewest = row
        ops, size = value(operations), value(fewest)
        (floor, by), (expected, expected_by) = floor_of(row), expected_of(row)
        kernels = kernels.replace("_kernel", "").replace(" ", ", ").replace(",,", ",")
        out.append(f"| {name} | {kernels} | {operations.replace(' * ', ' · ')} | {fewest.replace(' * ', ' · ')} | "
                   f"{engineering(ops, 'op')} | {engineering(size, 'B')} | {floor * 1e6:.1f} µs | {by} | "
                   f"{expected * 1e6:.1f} µs | {expected_by} |")
    floor, expected = step()
    out.append(f"| **one training step** | | | | | | {floor * 1e3:.1f} ms | | {expected * 1e3:.1f} ms | |")
    return "\n".join(out)


def block():
    letters = ", ".join(f"{k} = {v}" for k, v in LETTERS.items())
    return f"{MARKS[0]}\n{letters}\n\n{table()}\n{MARKS[1]}"


def kernels_without_row(root):
    """Names of __global__ functions that no row lists."""
    listed = {k for row in ROWS if len(row) > 1 for k in row[1].replace(",", "").split()}
    found = set()
    for source in sorted((root / "kernels/cuda").glob("*.cu*")):
        text = re.sub(r"__launch_bounds__\([^)]*\)", "", source.read_text())
        found |= set(re.findall(r"__global__\s+void\s+(\w+)", text))
    return sorted(found - listed), sorted(k for k in listed - found if k.endswith("_kernel"))


def main():
    if len(sys.argv) == 1:
        print(block())
        return 0
    if sys.argv[1] == "--letters":
        print(*(f"{k}={v}" for k, v in LETTERS.items()))
        return 0
    mode, path = sys.argv[1], Path(sys.argv[2])
    text = path.read_text()
    before, rest = text.split(MARKS[0])
    wanted = before + block() + rest.split(MARKS[1])[1]
    if mode == "--write":
        path.write_text(wanted)
        return 0
    missing, gone = kernels_without_row(Path(__file__).parents[2])
    for name in missing:
        print(f"{name} has no row in tests/bench/kernel_floors.py")
    for name in gone:
        print(f"{name} has a row in tests/bench/kernel_floors.py but is no kernel")
    if text != wanted:
        print(f"{path} has another table: python3 tests/bench/kernel_floors.py --write {path}")
    return int(bool(missing or gone or text != wanted))


if __name__ == "__main__":
    sys.exit(main())
