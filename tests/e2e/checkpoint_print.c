/* What a checkpoint holds, a line each, for comparing two: numbers to the last bit, XXH3 of arrays.
 *   checkpoint_print RUN/checkpoint-00000200.h5 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

static herr_t print_number(hid_t file, const char *name, const H5A_info_t *info, void *context) {
  double value;
  int64_t integer;
  hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
  (void)info, (void)context;
  if (H5Tget_class(type) == H5T_INTEGER && H5Aread(attribute, H5T_NATIVE_INT64, &integer) >= 0)
    printf("%s %lld\n", name, (long long)integer);
  else if (H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0)
    printf("%s %a\n", name, value);
  H5Tclose(type);
  return H5Aclose(attribute);
}

static herr_t print_array(hid_t file, const char *name, const H5L_info_t *info, void *context) {
  hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(set), space = H5Dget_space(set);
  size_t count = (size_t)H5Sget_simple_extent_npoints(space), size = H5Tget_size(type);
  void *values = calloc(count + 1, size);
  (void)info, (void)context;
  herr_t got = H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  printf("%s %zu %016llx\n", name, count, (unsigned long long)XXH3_64bits(values, count * size));
  free(values);
  H5Sclose(space);
  H5Tclose(type);
  H5Dclose(set);
  return got;
}

int main(int argc, char **argv) {
  hid_t file = argc == 2 ? H5Fopen(argv[1], H5F_ACC_RDONLY, H5P_DEFAULT) : -1;
  if (file < 0) return 1;
  return H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, print_number, NULL) < 0 ||
         H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, print_array, NULL) < 0 || H5Fclose(file) < 0;
}
