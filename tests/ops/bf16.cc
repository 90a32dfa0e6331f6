#include "tests/ops/bf16.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <tuple>
#include <vector>

namespace {

enum { GUARD = 128 /* bf16 on either side of a twin */, GUARD_BITS = 0xa5a5 };

struct Twin {
  float *data;
  const char *name;
  size_t n;
  bool written;
};

const Backend *real;
std::vector<Twin> twins;

uint16_t to_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (x != x) return 0xffff;
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float from_bf16(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float x;
  memcpy(&x, &wide, sizeof x);
  return x;
}

void complain(const char *what, const Twin *twin) {
  char text[200];
  snprintf(text, sizeof text, "bf16: %s %s", twin ? twin->name : "an activation", what);
  bf16_fail(text);
}

/* One call of an operation: the twins of its activations, for as long as it runs. */
class Call {
  struct Loan {
    Twin *twin;
    uint16_t *device;
    bool written;
  };
  std::vector<Loan> loans;
  Stream *stream = nullptr;

  Loan *borrow(Twin *twin) {
    for (Loan &loan : loans)
      if (loan.twin == twin) return &loan;
    std::vector<float> values(twin->n + 1);
    real->memory_download(stream, values.data(), twin->data, twin->n * sizeof(float));
    real->stream_sync(stream);
    std::vector<uint16_t> image(twin->n + 2 * GUARD, GUARD_BITS);
    for (size_t i = 0; i < twin->n; i++) {
      image[GUARD + i] = to_bf16(values[i]);
      if (values[i] == values[i] && from_bf16(image[GUARD + i]) != values[i])
        complain("holds values that bf16 does not have: give it through ops_activation()", twin);
    }
    size_t bytes = image.size() * sizeof image[0];
    uint16_t *device = static_cast<uint16_t *>(real->memory_new(bytes));
    real->memory_upload(stream, device, image.data(), bytes);
    real->stream_sync(stream);
    loans.push_back({twin, device, false});
    return &loans.back();
  }

  void *find(const void *p, bool written) {
    if (!p) return nullptr;
    for (size_t i = twins.size(); i-- > 0;) { /* a tensor lies in its block, which is older */
      Twin &twin = twins[i];
      const float *at = static_cast<const float *>(p);
      if (at < twin.data || at > twin.data + twin.n || (at == twin.data + twin.n && twin.n)) continue;
      Loan *loan = borrow(&twin);
      loan->written |= written;
      return loan->device + GUARD + (at - twin.data);
    }
    complain("is not a tensor of this case", nullptr);
    return nullptr;
  }

public:
  template <class V> V take(V value) { return value; }
  void *take(void *p) { return find(p, true); }
  const void *take(const void *p) { return find(p, false); }
  Stream *take(Stream *s) { return stream = s; }

  ~Call() {
    for (Loan &loan : loans) {
      std::vector<uint16_t> image(loan.twin->n + 2 * GUARD);
      std::vector<float> values(loan.twin->n + 1);
      real->memory_download(stream, image.data(), loan.device, image.size() * sizeof image[0]);
      real->stream_sync(stream);
      for (size_t i = 0; i < GUARD; i++)
        if (image[i] != GUARD_BITS || image[image.size() - 1 - i] != GUARD_BITS)
          complain("was written outside its bounds", loan.twin);
      for (size_t i = 0; i < loan.twin->n; i++) values[i] = from_bf16(image[GUARD + i]);
      if (loan.written) {
        real->memory_upload(stream, loan.twin->data, values.data(), loan.twin->n * sizeof(float));
        real->stream_sync(stream);
        loan.twin->written = true;
      }
      real->memory_free(loan.device);
    }
  }
};

template <auto Operation> struct Wrapped;
template <class R, class... A, R (*Backend::*Operation)(A...)> struct Wrapped<Operation> {
  static R run(A... arguments) {
    Call call;
    std::tuple<A...> taken{call.take(arguments)...}; /* in braces: from left to right, the stream first */
    return std::apply(real->*Operation, taken);
  }
};

void *block_new(size_t bytes) {
  void *memory = real->memory_new(bytes);
  if (memory) bf16_register(static_cast<float *>(memory), "a block of memory", bytes / sizeof(float));
  return memory;
}

void block_free(void *memory) {
  bf16_forget(static_cast<const float *>(memory));
  real->memory_free(memory);
}

} // namespace

void (*bf16_fail)(const char *text);

float bf16_round(double x) { return from_bf16(to_bf16((float)x)); }

const Backend *bf16_backend(const Backend *backend) {
  static Backend wrapped;
  real = backend;
  twins.clear();
  wrapped = *backend;
#define X(Type, operation) wrapped.operation = Wrapped<&Backend::operation>::run;
  BACKEND_OPERATIONS(X)
#undef X
  /* Their memory is bytes, not activations. */
  wrapped.memory_new = block_new;
  wrapped.memory_free = block_free;
  wrapped.memory_upload = backend->memory_upload;
  wrapped.memory_download = backend->memory_download;
  wrapped.memory_zero = backend->memory_zero;
  return &wrapped;
}

void bf16_register(float *data, const char *name, size_t n) { twins.push_back({data, name, n, false}); }

void bf16_forget(const float *data) {
  for (size_t i = 0; i < twins.size(); i++)
    if (twins[i].data == data) twins.erase(twins.begin() + (long)i--);
}

bool bf16_written(const float *data) {
  for (const Twin &twin : twins)
    if (twin.data == data) return twin.written;
  return false;
}
