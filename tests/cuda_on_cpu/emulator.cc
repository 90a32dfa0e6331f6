/* The emulator: each CUDA thread of a block is a fiber with a stack of its own; a fiber runs until it waits
 * at a barrier or a warp's collective, then the next one runs. Blocks run in turn on the calling OS thread.
 *
 * JARGON_EMULATOR_ORDER is the schedule: fwd (threads and blocks in order), rev (backwards), rand (any thread
 * that can run; JARGON_EMULATOR_SEED). Barriers left out, lanes gone astray and deadlocks abort with the
 * source line.
 *
 * Built without -fsanitize=thread, but with -DEMULATOR_TSAN beside kernels that are: only kernels are race
 * checked. */
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <utility>

#include "cuda_runtime.h"
#include "device_memory.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef EMULATOR_TSAN
#include <sanitizer/tsan_interface.h>
#endif

__thread uint3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

enum { THREADS = 1024, WARPS = THREADS / 32, GUARD = 4096 };
static const size_t STACK = 256 << 10, SHARED_MOST = 227 << 10;
enum State { UNSTARTED, READY, AT_BARRIER, IN_WARP, DONE };
enum Order { FORWARD, REVERSE, RANDOM };

struct Fiber {
  void *top = nullptr;   /* where its registers lie */
  char *stack = nullptr; /* null: the caller's own */
  void *fake = nullptr;  /* AddressSanitizer's and ThreadSanitizer's notes */
  void *race = nullptr;
};

/* One CUDA thread. */
struct Thread {
  uint3 index;
  int linear, lane, warp;
  State state;
  Fiber *fiber;
  const char *operation; /* of its warp, where it waits */
  unsigned mask;
  void *payload;
  Combine *combine;
  Site site;
  int count, all; /* of the barrier it left */
};

struct Warp {
  unsigned waiting, alive, phase; /* lanes; collectives done */
  char tag[2];                    /* ThreadSanitizer orders by their addresses */
};

struct Barrier {
  int waiting, count, all;
  unsigned phase;
  Site site;
  char tag[2];
};

static Thread threads[THREADS];
static Warp warps[WARPS];
static Barrier block_barrier;
static Thread *current;
static Fiber *fibers[THREADS + 1], *idle_fibers[THREADS + 1]; /* all, and those that have no thread */
static int fiber_count, idle_count;
static Fiber caller;
static int order[THREADS];                           /* in which threads start */
static int ready[THREADS], ready_first, ready_count; /* a ring */
static int next_start, done_count, thread_count;
static void (*kernel_call)(void *);
static void *kernel_context;
static const char *kernel_name;
static char *shared_memory;
static Order schedule;
static uint64_t random_state;
#ifdef EMULATOR_TSAN
static char launch_tag, done_tag;
#endif

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fflush(stdout);
  fprintf(stderr, "emulator: ");
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  if (current)
    fprintf(stderr, " [%s, block (%u,%u,%u), thread (%u,%u,%u)]", kernel_name, blockIdx.x, blockIdx.y,
            blockIdx.z, current->index.x, current->index.y, current->index.z);
  fprintf(stderr, "\n");
  abort();
}

static bool same(Site a, Site b) { return a.line == b.line && strcmp(a.file, b.file) == 0; }

static unsigned random_number() {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(random_state >> 33);
}

static void acquire(void *tag) {
#ifdef EMULATOR_TSAN
  __tsan_acquire(tag);
#else
  (void)tag;
#endif
}

static void release(void *tag) {
#ifdef EMULATOR_TSAN
  __tsan_release(tag);
#else
  (void)tag;
#endif
}

/* ---- fibers ---- */

extern "C" void emulator_switch(void **save, void *to);
asm(".text\n"
    ".globl emulator_switch\n"
    ".hidden emulator_switch\n"
    ".type emulator_switch,@function\n"
    "emulator_switch:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp,(%rdi)\n"
    "  movq %rsi,%rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  ret\n"
    ".size emulator_switch,.-emulator_switch\n");

#ifdef __SANITIZE_ADDRESS__
static const void *caller_stack;
static size_t caller_stack_size;
#endif

static void switch_to(Fiber *from, Fiber *to) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from->fake, to->stack ? to->stack : caller_stack,
                                 to->stack ? STACK : caller_stack_size);
#endif
#ifdef EMULATOR_TSAN
  if (!caller.race) caller.race = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to->race, __tsan_switch_to_fiber_no_sync);
#endif
  emulator_switch(&from->top, to->top);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(from->fake, nullptr, nullptr);
#endif
}

static void fiber_main();

static Fiber *fiber_new() {
  Fiber *fiber = new Fiber;
  void *memory = mmap(nullptr, STACK + GUARD, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("no memory for stacks");
  mprotect(memory, GUARD, PROT_NONE); /* an overflow is a segmentation fault */
  fiber->stack = (char *)memory + GUARD;
  /* Staggered: else all stacks share cache sets. The stack is 8 mod 16 where a function starts. */
  void **top = (void **)(fiber->stack + STACK - fiber_count % 16 * 256);
  *--top = nullptr;
  *--top = (void *)fiber_main;
  for (int i = 0; i < 6; i++) *--top = nullptr;
  fiber->top = top;
#ifdef EMULATOR_TSAN
  fiber->race = __tsan_create_fiber(0);
#endif
  fibers[fiber_count++] = fiber;
  return fiber;
}

/* ---- scheduling ---- */

static void make_ready(Thread *thread) {
  thread->state = READY;
  ready[(ready_first + ready_count++) % THREADS] = thread->linear;
}

[[noreturn]] static void deadlock() {
  fprintf(stderr, "emulator: deadlock in %s, block (%u,%u,%u): %d of %d threads have ended\n", kernel_name,
          blockIdx.x, blockIdx.y, blockIdx.z, done_count, thread_count);
  for (int i = 0, shown = 0; i < thread_count && shown < 12; i++) {
    Thread &t = threads[i];
    if (t.state != AT_BARRIER && t.state != IN_WARP) continue;
    int last = i;
    while (last + 1 < thread_count && threads[last + 1].state == t.state &&
           same(threads[last + 1].site, t.site))
      last++;
    fprintf(stderr, "  threads %d to %d wait at %s (%s:%d)\n", i, last,
            t.state == AT_BARRIER ? "a barrier" : t.operation, t.site.file, t.site.line);
    i = last;
    shown++;
  }
  abort();
}

/* The thread to run next: one that is ready, else one that has not started, on `free` if that is given. */
static Thread *pick(Fiber *free) {
  if (ready_count) {
    int back = schedule == REVERSE  ? ready_count - 1
               : schedule == RANDOM ? (int)(random_number() % (unsigned)ready_count)
                                    : 0;
    int at = (ready_first + back) % THREADS;
    Thread *thread = &threads[ready[at]];
    if (schedule == REVERSE) {
      ready_count--;
    } else {
      ready[at] = ready[ready_first];
      ready_first = (ready_first + 1) % THREADS;
      ready_count--;
    }
    if (free) idle_fibers[idle_count++] = free;
    return thread;
  }
  if (next_start == thread_count) deadlock();
  Thread *thread = &threads[order[next_start++]];
#ifdef EMULATOR_TSAN /* one history a thread */
  while (fiber_count < thread_count) fiber_new();
  thread->fiber = fibers[thread->linear];
  idle_count = 0;
#else
  if (!free && idle_count) free = idle_fibers[--idle_count];
  thread->fiber = free ? free : fiber_new();
#endif
  thread->state = READY;
  return thread;
}

static void run(Fiber *from, Thread *thread) {
  current = thread;
  threadIdx = thread->index;
  if (thread->fiber != from) switch_to(from, thread->fiber);
}

static void wait(Thread *thread) {
  Thread *other = pick(nullptr);
  if (other != thread) run(thread->fiber, other);
}

static void release_barrier() {
  Barrier &b = block_barrier;
  for (int i = 0; i < thread_count; i++) {
    if (threads[i].state != AT_BARRIER) continue;
    threads[i].count = b.count;
    threads[i].all = b.all;
    make_ready(&threads[i]);
  }
  b.waiting = b.count = 0;
  b.all = 1;
  b.phase++;
}

static void thread_ended(Thread *thread) {
  thread->state = DONE;
  done_count++;
  Warp &w = warps[thread->warp];
  w.alive &= ~(1u << thread->lane);
  for (unsigned lanes = w.waiting; lanes; lanes &= lanes - 1) {
    Thread &other = threads[thread->warp * 32 + __builtin_ctz(lanes)];
    if (other.mask >> thread->lane & 1)
      fail("%s at %s:%d names lane %d in mask %#x, but that lane has ended", other.operation, other.site.file,
           other.site.line, thread->lane, other.mask);
  }
  if (block_barrier.waiting && block_barrier.waiting == thread_count - done_count) release_barrier();
}

/* A fiber whose thread ends takes the next thread that has not started. */
static void fiber_main() {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(nullptr, &caller_stack, &caller_stack_size);
#endif
  Fiber *fiber = current->fiber;
  for (;;) {
#ifdef EMULATOR_TSAN
    acquire(&launch_tag);
#endif
    kernel_call(kernel_context);
#ifdef EMULATOR_TSAN
    release(&done_tag);
#endif
    thread_ended(current);
    if (done_count == thread_count) {
      idle_fibers[idle_count++] = fiber;
      switch_to(fiber, &caller);
    } else {
      run(fiber, pick(fiber));
    }
  }
}

static void run_block(uint3 index, dim3 grid, dim3 block) {
  thread_count = (int)(block.x * block.y * block.z);
  ready_first = ready_count = next_start = done_count = 0;
  blockIdx = index;
  blockDim = make_uint3(block.x, block.y, block.z);
  gridDim = make_uint3(grid.x, grid.y, grid.z);
  memset(warps, 0, sizeof warps);
  block_barrier.waiting = block_barrier.count = 0;
  block_barrier.all = 1;
  for (int i = 0; i < thread_count; i++) {
    unsigned linear = (unsigned)i;
    threads[i] = Thread{};
    threads[i].index = make_uint3(linear % block.x, linear / block.x % block.y, linear / (block.x * block.y));
    threads[i].linear = i;
    threads[i].lane = i % 32;
    threads[i].warp = i / 32;
    warps[i / 32].alive |= 1u << i % 32;
    order[i] = schedule == REVERSE ? thread_count - 1 - i : i;
  }
  if (schedule == RANDOM)
    for (int i = thread_count - 1; i > 0; i--)
      std::swap(order[i], order[random_number() % (unsigned)(i + 1)]);
#ifdef EMULATOR_TSAN
  release(&launch_tag);
#endif
  run(&caller, pick(nullptr)); /* comes back when all threads have ended */
  current = nullptr;
#ifdef EMULATOR_TSAN
  acquire(&done_tag);
#endif
}

/* ---- barriers and collectives ---- */

int barrier(int predicate, int operation, Site site) {
  if (!current) fail("a barrier outside a kernel");
  Thread *self = current;
  Barrier &b = block_barrier;
  if (b.waiting && !same(b.site, site))
    fail("threads part: this one is at the barrier of %s:%d, %d wait at that of %s:%d", site.file, site.line,
         b.waiting, b.site.file, b.site.line);
  b.site = site;
  b.waiting++;
  b.count += predicate != 0;
  b.all &= predicate != 0;
  self->site = site;
  self->state = AT_BARRIER;
  void *tag = &b.tag[b.phase & 1];
  release(tag);
  if (b.waiting == thread_count - done_count) release_barrier();
  wait(self);
  acquire(tag);
  return operation == 0 ? self->count : operation == 1 ? self->all : self->count > 0;
}

void warp_collective(const char *name, unsigned mask, void *payload, Combine *combine, bool fenced,
                     Site site) {
  if (!current) fail("%s outside a kernel", name);
  Thread *self = current, *first = self - self->lane;
  Warp &w = warps[self->warp];
  int lanes = thread_count - self->warp * 32;
  if (lanes < 32) mask &= (1u << lanes) - 1;
  if (!(mask >> self->lane & 1))
    fail("%s at %s:%d: the caller's lane %d is not in mask %#x", name, site.file, site.line, self->lane,
         mask);
  if (mask & ~w.alive)
    fail("%s at %s:%d: mask %#x names lanes that have ended: %#x", name, site.file, site.line, mask,
         mask & ~w.alive);
  self->operation = name;
  self->mask = mask;
  self->payload = payload;
  self->combine = combine;
  self->site = site;
  self->state = IN_WARP;
  void *tag = &w.tag[w.phase & 1];
  if (fenced) release(tag);
  w.waiting |= 1u << self->lane;
  if ((w.waiting & mask) == mask) { /* the last to come works for all */
    void *payloads[32] = {};
    for (unsigned left = mask; left; left &= left - 1) {
      int lane = __builtin_ctz(left);
      Thread &other = first[lane];
      payloads[lane] = other.payload;
      if (other.mask != mask || other.combine != combine || !same(other.site, site))
        fail("a warp parts: lane %d is at %s (%s:%d, mask %#x), lane %d at %s (%s:%d, mask %#x)", self->lane,
             name, site.file, site.line, mask, lane, other.operation, other.site.file, other.site.line,
             other.mask);
    }
    if (combine) combine(payloads, mask);
    w.waiting &= ~mask;
    w.phase++;
    for (unsigned left = mask; left; left &= left - 1) {
      Thread *other = &first[__builtin_ctz(left)];
      if (other != self) make_ready(other);
    }
    self->state = READY;
    if (schedule != FORWARD) {
      make_ready(self);
      wait(self);
    }
  } else {
    wait(self);
  }
  if (fenced) acquire(tag);
}

struct Shuffled {
  uint64_t in, out;
  int argument, width, kind;
};

static void shuffle_combine(void **payload, unsigned mask) {
  for (unsigned left = mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left), source = lane;
    Shuffled *s = (Shuffled *)payload[lane];
    int segment = lane & ~(s->width - 1);
    switch (s->kind) {
    case 0:
      source = segment | (s->argument & (s->width - 1));
      break;
    case 1:
      source = lane - s->argument < segment ? lane : lane - s->argument;
      break;
    case 2:
      source = lane + s->argument >= segment + s->width ? lane : lane + s->argument;
      break;
    default:
      source = (lane ^ s->argument) >= segment + s->width ? lane : lane ^ s->argument;
    }
    if (source > 31 || !(mask >> source & 1)) {
      if (s->kind == 0 || s->kind == 3)
        fail("a shuffle: lane %d reads lane %d, which is not in mask %#x", lane, source, mask);
      source = lane;
    }
    s->out = ((Shuffled *)payload[source])->in;
  }
}

uint64_t shuffle(int kind, unsigned mask, uint64_t value, int argument, int width, Site site) {
  static const char *const names[] = {"__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync"};
  if (width < 1 || width > 32 || width & (width - 1)) fail("a shuffle of width %d", width);
  Shuffled s = {value, value, argument, width, kind};
  warp_collective(names[kind], mask, &s, shuffle_combine, false, site);
  return s.out;
}

struct Vote {
  bool in;
  unsigned ballot;
};

static void vote_combine(void **payload, unsigned mask) {
  unsigned ballot = 0;
  for (unsigned left = mask; left; left &= left - 1) {
    int lane = __builtin_ctz(left);
    ballot |= (unsigned)((Vote *)payload[lane])->in << lane;
  }
  for (unsigned left = mask; left; left &= left - 1) ((Vote *)payload[__builtin_ctz(left)])->ballot = ballot;
}

unsigned vote(int kind, unsigned mask, bool predicate, Site site) {
  static const char *const names[] = {"__ballot_sync", "__any_sync", "__all_sync"};
  Vote v = {predicate, 0};
  warp_collective(names[kind], mask, &v, vote_combine, false, site);
  return kind == 0 ? v.ballot : kind == 1 ? v.ballot != 0 : v.ballot == current->mask;
}

void fence() {
  static char tag;
  acquire(&tag);
  release(&tag);
}

/* ---- launching ---- */

extern "C" char __start_emulated_shared[] __attribute__((weak, visibility("hidden")));
extern "C" char __stop_emulated_shared[] __attribute__((weak, visibility("hidden")));

/* 0xff, NaN as a float: a kernel that reads what it did not write shows. In assembly, because red zones lie
 * between. */
static void poison(char *p, size_t n) { asm volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(0xff) : "memory"); }

void *dynamic_shared() {
  if (!shared_memory) fail("extern __shared__ in a kernel that was launched without dynamic shared memory");
  return shared_memory;
}

extern cudaError_t last_error; /* runtime.cc */
extern size_t shared_limit;

static void choose_schedule() {
  const char *name = getenv("JARGON_EMULATOR_ORDER"), *seed = getenv("JARGON_EMULATOR_SEED");
  if (!name || strcmp(name, "fwd") == 0)
    schedule = FORWARD;
  else if (strcmp(name, "rev") == 0)
    schedule = REVERSE;
  else if (strcmp(name, "rand") == 0)
    schedule = RANDOM;
  else
    fail("JARGON_EMULATOR_ORDER is fwd, rev or rand, not \"%s\"", name);
  random_state = (seed ? strtoull(seed, nullptr, 0) : 1) * 2654435761u + 12345;
}

void launch(const char *name, dim3 grid, dim3 block, size_t shared, void (*kernel)(void *), void *context) {
  if (current) fail("a kernel launches %s", name);
  size_t count = (size_t)block.x * block.y * block.z, blocks = (size_t)grid.x * grid.y * grid.z;
  if (!count || count > THREADS || !blocks || grid.y > 65535 || grid.z > 65535 || block.z > 64) {
    last_error = cudaErrorInvalidConfiguration;
    return;
  }
  if (shared > shared_limit || shared > SHARED_MOST) {
    last_error = cudaErrorInvalidValue;
    return;
  }
  choose_schedule();
  kernel_call = kernel;
  kernel_context = context;
  kernel_name = name;
  void *memory = nullptr; /* of the exact size, so that AddressSanitizer sees the end */
  if (shared && posix_memalign(&memory, 1024, shared)) fail("no memory");
  shared_memory = (char *)memory;
  DeviceMemory unlocked;
  for (size_t i = 0; i < blocks; i++) {
    size_t b = schedule == REVERSE ? blocks - 1 - i : i;
    if (shared) memset(shared_memory, 0xff, shared);
    poison(__start_emulated_shared, (size_t)(__stop_emulated_shared - __start_emulated_shared));
    run_block(make_uint3((unsigned)(b % grid.x), (unsigned)(b / grid.x % grid.y),
                         (unsigned)(b / ((size_t)grid.x * grid.y))),
              grid, block);
  }
  free(memory);
  shared_memory = nullptr;
}

} // namespace emulator
