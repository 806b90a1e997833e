// Memory: large pages for results, and buffers that are reused between calls.
#pragma once
#include <vector>

#include "simd.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace {

/** Asks for huge pages in memory that nobody has touched yet: faulting in small pages takes longer than filling them. */
inline void useLargePages(void* memory, int64_t bytes) {
#if defined(__linux__)
  constexpr int64_t page = 4096, large = 1 << 21;
  const int64_t begin = ceilDiv(reinterpret_cast<int64_t>(memory), page) * page;
  const int64_t end = (reinterpret_cast<int64_t>(memory) + bytes) / page * page;
  if (end - begin >= 2 * large) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

/** A buffer aligned for vectors. It only grows, so that calls after the first allocate nothing. */
class Workspace {
 public:
  /** At least `size` floats with any content, valid until the next call. */
  float* reserve(int64_t size) {
    if (static_cast<int64_t>(lines_.size()) < ceilDiv(size, lanes)) lines_.resize(ceilDiv(size, lanes));
    return lines_.data()->values;
  }

 private:
  struct alignas(64) Line {
    float values[lanes];
  };
  std::vector<Line> lines_;
};

}  // namespace
