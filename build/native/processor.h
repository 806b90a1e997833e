// What all layers share: kinds of processor, vectors, threads, and memory to work in.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>
#if defined(__linux__)
#include <sys/mman.h>
#endif

// One copy of each loop for each kind of processor; the best one is chosen when the library loads.
#if defined(__x86_64__) && defined(__linux__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
#define INLINE inline __attribute__((always_inline))
#define SIMD _Pragma("omp simd")

namespace {

/** One line of the cache, and the longest vector. Shorter vectors are used where a processor has no longer ones. */
typedef float Wide __attribute__((vector_size(64)));
constexpr int64_t lanes = 16;

/** The same anywhere in memory. These are no functions, since not all compilers pass vectors that not all processors have. */
typedef float Loose __attribute__((vector_size(64), aligned(4), may_alias));
#define LOAD(x) (*reinterpret_cast<const Loose*>(x))
#define STORE(x, y) (*reinterpret_cast<Loose*>(x) = (y))

/** Sixteen numbers of two vectors by their places, those of the second from 16 on. */
#if defined(__clang__)
#define PICK(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
typedef int32_t Places __attribute__((vector_size(64)));
#define PICK(x, y, ...) __builtin_shuffle(x, y, Places{__VA_ARGS__})
#endif

/** n / d, rounded up. */
INLINE int64_t up(int64_t n, int64_t d) { return (n + d - 1) / d; }

/** Asks the system for large pages where nobody has touched the memory yet: small ones take longer to come than to fill. */
inline void useLargePages(void* memory, int64_t bytes) {
#if defined(__linux__)
  constexpr int64_t page = 4096, large = 1 << 21;
  const int64_t begin = up(reinterpret_cast<int64_t>(memory), page) * page;
  const int64_t end = (reinterpret_cast<int64_t>(memory) + bytes) / page * page;
  if (end - begin >= 2 * large) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

/** Memory to work in, aligned for vectors; it is kept, so that it is not taken from the system again and again. */
class Scratch {
 public:
  float* take(int64_t size) {
    if (static_cast<int64_t>(lines_.size()) < up(size, lanes)) lines_.resize(up(size, lanes));
    return lines_.data()->values;
  }

 private:
  struct alignas(64) Line {
    float values[lanes];
  };
  std::vector<Line> lines_;
};

/** How often a thread looks for work, for some twenty microseconds, before it sleeps, from which it wakes only slowly. */
constexpr int patience = 2000;
INLINE void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/** As many threads as TensorFlow uses, waiting for loops. */
class Threads {
 public:
  Threads() {
    const char* asked = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int wanted = asked ? std::atoi(asked) : 0;
    const int most = wanted > 0 ? wanted : std::thread::hardware_concurrency();
    try {
      for (; count_ < most; count_++) std::thread([this] { work(); }).detach();
    } catch (const std::system_error&) {  // there is no memory for so many
    }
  }

  int64_t count() const { return count_; }

  /** Calls body(begin, end) on parts of [0, total), each at least `least` long where there are several. Throws what it throws. */
  void loop(int64_t total, int64_t least, const std::function<void(int64_t, int64_t)>& body) {
    const int64_t parts = std::min<int64_t>(count_, std::max<int64_t>(1, total / std::max<int64_t>(1, least)));
    if (parts <= 1) return body(0, total);
    std::lock_guard<std::mutex> alone(turn_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      total_ = total;
      parts_ = parts;
      next_ = 0;
      unfinished_ = parts;
      thrown_ = nullptr;
    }
    posted_.fetch_add(1, std::memory_order_release);
    for (int64_t i = 1; i < parts; i++) wake_.notify_one();
    std::unique_lock<std::mutex> lock(mutex_);
    while (next_ < parts_) take(lock);
    lock.unlock();
    for (int i = 0; i < patience && unfinished_.load(std::memory_order_acquire) > 0; i++) relax();
    lock.lock();
    done_.wait(lock, [this] { return unfinished_ == 0; });
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  void work() {
    for (;;) {
      const int64_t seen = posted_.load(std::memory_order_acquire);
      std::unique_lock<std::mutex> lock(mutex_);
      if (next_ == parts_) {
        lock.unlock();
        for (int i = 0; i < patience && posted_.load(std::memory_order_acquire) == seen; i++) relax();
        lock.lock();
        wake_.wait(lock, [this] { return next_ < parts_; });
      }
      take(lock);
      if (unfinished_ == 0) done_.notify_all();
    }
  }
  /** Does the next part, without the lock meanwhile. */
  void take(std::unique_lock<std::mutex>& lock) {
    const int64_t part = next_++;
    const auto body = body_;
    const int64_t begin = total_ * part / parts_, end = total_ * (part + 1) / parts_;
    lock.unlock();
    std::exception_ptr thrown;
    try {
      (*body)(begin, end);
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    if (thrown) thrown_ = thrown;
    unfinished_--;
  }
  int count_ = 1;
  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int64_t, int64_t)>* body_ = nullptr;
  int64_t total_ = 0, parts_ = 0, next_ = 0;
  std::atomic<int64_t> posted_{0}, unfinished_{0};
  std::exception_ptr thrown_;
};

Threads& threads() {
  static Threads* all = new Threads;  // never destroyed: its threads wait until the process ends
  return *all;
}

/** Elements below which a second thread costs more than it brings. */
constexpr int64_t grain = 1 << 14;

}  // namespace
