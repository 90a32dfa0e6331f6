/* Vectors of 16 floats: 24 sums and 2 of b, of the 32 registers; each of a is broadcast from memory. Only
 * called where the CPU has these instructions (product_choose()). */
#pragma GCC target("avx512f,avx512vl,avx512bw,avx512dq")
#define WIDTH 16
#define TILE_ROWS 12
#define NAME product_avx512
#include "kernels/cpu/product_tile.h"
