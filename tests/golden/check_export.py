#!/usr/bin/env python3
"""Whether transformers reads what Jargon wrote: check_export.py MODEL [CASE]

MODEL is a directory written by Jargon; its weights must load without a missing, unexpected or mismatched name. With
CASE, a folder of tests/golden/parakeet whose model MODEL is a copy of, the logits must be the golden's too.
"""
import sys

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoFeatureExtractor, ParakeetForCTC

model, report = ParakeetForCTC.from_pretrained(sys.argv[1], output_loading_info=True)
problems = {key: value for key, value in report.items() if value}
if problems:
    sys.exit(f"{sys.argv[1]}: {problems}")
print(f"{sys.argv[1]}: {sum(p.numel() for p in model.parameters())} parameters, "
      f"num_batches_tracked {model.encoder.layers[0].conv.norm.num_batches_tracked.item()}")

if len(sys.argv) > 2:
    expected = load_file(sys.argv[2] + "/expected.safetensors")
    utterances, frames = expected["features"].shape[:2]
    samples = np.fromfile(sys.argv[2] + "/waveform.s16", np.int16).reshape(utterances, -1)
    extractor = AutoFeatureExtractor.from_pretrained(sys.argv[1])
    inputs = extractor(list(samples.astype(np.float32) / 32768), sampling_rate=16000, return_tensors="pt")
    with torch.no_grad():
        logits = model.eval()(inputs.input_features[:, :frames],
                              attention_mask=torch.ones(utterances, frames, dtype=torch.bool)).logits
    error = ((logits - expected["logits"]).norm() / expected["logits"].norm()).item()
    print(f"relative difference of the logits {error:.2e}")
    if not error < 1e-4:
        sys.exit("the logits differ")
