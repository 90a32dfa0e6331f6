/* Vectors of 8 floats: 12 sums, 2 of b and one of a fill the 16 registers. */
#define WIDTH 8
#define TILE_ROWS 6
#define NAME product_avx2
#include "kernels/cpu/product_tile.h"
