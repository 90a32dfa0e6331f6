/* TEMPORARY, removed when every operation is written: lets programs link meanwhile. */
#include <stdio.h>
#include <stdlib.h>
static void missing(const char *name) { fprintf(stderr, "not written yet: cpu_%s\n", name); abort(); }
#define MISSING(name) __attribute__((weak)) void cpu_##name(void); void cpu_##name(void) { missing(#name); }
MISSING(frontend_new) MISSING(frontend_free) MISSING(frontend_forward) MISSING(spec_augment)
MISSING(conv2d_forward) MISSING(conv2d_backward) MISSING(depthwise_conv2d_forward) MISSING(depthwise_conv2d_backward)
MISSING(transpose_inner) MISSING(gemm_forward) MISSING(gemm_backward_input) MISSING(gemm_backward_weight)
MISSING(layernorm_forward) MISSING(layernorm_backward) MISSING(relu_forward) MISSING(relu_backward)
MISSING(silu_forward) MISSING(silu_backward) MISSING(glu_forward) MISSING(glu_backward) MISSING(dropout)
MISSING(residual_forward) MISSING(residual_backward) MISSING(add) MISSING(scale) MISSING(depthwise_forward)
MISSING(depthwise_backward) MISSING(batchnorm_forward) MISSING(batchnorm_backward) MISSING(batchnorm_infer)
MISSING(attention_forward) MISSING(attention_backward) MISSING(softmax_forward) MISSING(softmax_backward)
MISSING(log_softmax_forward) MISSING(log_softmax_backward) MISSING(ctc_loss) MISSING(greedy_decode)
MISSING(gradient_norm) MISSING(adamw_step)
