// The threads that all ops share.
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>

#include "simd.h"

namespace {

/** How often a thread polls, for some twenty microseconds in all, before it sleeps: waking up is slow. */
constexpr int spinIterations = 2000;
INLINE void pauseSpinning() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/** As many threads as TensorFlow uses (TF_NUM_INTRAOP_THREADS, else one per core), the calling one included. */
class ThreadPool {
 public:
  ThreadPool() {
    const char* requested = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int parsed = requested ? std::atoi(requested) : 0;
    const int limit = parsed > 0 ? parsed : std::thread::hardware_concurrency();
    try {
      for (; size_ < limit; size_++) std::thread([this] { work(); }).detach();
    } catch (const std::system_error&) {  // the system allows no more threads
    }
  }

  int64_t size() const { return size_; }

  /**
   * Calls body(begin, end) on consecutive ranges that cover [0, total), each at least `minRange` long if there is more than
   * one, and waits for all of them. Rethrows an exception of the body.
   */
  void parallelFor(int64_t total, int64_t minRange, const std::function<void(int64_t, int64_t)>& body) {
    const int64_t ranges = std::min<int64_t>(size_, std::max<int64_t>(1, total / std::max<int64_t>(1, minRange)));
    if (ranges <= 1) return body(0, total);
    std::lock_guard<std::mutex> oneLoop(loopMutex_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      total_ = total;
      ranges_ = ranges;
      next_ = 0;
      unfinished_ = ranges;
      thrown_ = nullptr;
    }
    generation_.fetch_add(1, std::memory_order_release);
    for (int64_t i = 1; i < ranges; i++) wake_.notify_one();
    std::unique_lock<std::mutex> lock(mutex_);
    while (next_ < ranges_) runNextRange(lock);
    lock.unlock();
    for (int i = 0; i < spinIterations && unfinished_.load(std::memory_order_acquire) > 0; i++) pauseSpinning();
    lock.lock();
    done_.wait(lock, [this] { return unfinished_ == 0; });
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  void work() {
    for (;;) {
      const int64_t seen = generation_.load(std::memory_order_acquire);
      std::unique_lock<std::mutex> lock(mutex_);
      if (next_ == ranges_) {
        lock.unlock();
        for (int i = 0; i < spinIterations && generation_.load(std::memory_order_acquire) == seen; i++) pauseSpinning();
        lock.lock();
        wake_.wait(lock, [this] { return next_ < ranges_; });
      }
      runNextRange(lock);
      if (unfinished_ == 0) done_.notify_all();
    }
  }
  /** Releases the lock while the body runs. */
  void runNextRange(std::unique_lock<std::mutex>& lock) {
    const int64_t range = next_++;
    const auto body = body_;
    const int64_t begin = total_ * range / ranges_, end = total_ * (range + 1) / ranges_;
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
  int size_ = 1;
  std::mutex loopMutex_, mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int64_t, int64_t)>* body_ = nullptr;
  int64_t total_ = 0, ranges_ = 0, next_ = 0;
  std::atomic<int64_t> generation_{0}, unfinished_{0};
  std::exception_ptr thrown_;
};

inline ThreadPool& threadPool() {
  static ThreadPool* pool = new ThreadPool;  // never destroyed: its threads wait until the process ends
  return *pool;
}

/** Below this many elements another thread costs more than it saves. */
constexpr int64_t minElementsPerThread = 1 << 14;

/** The same in rows of `width` elements. */
inline int64_t minRowsPerThread(int64_t width) {
  return std::max<int64_t>(1, minElementsPerThread / std::max<int64_t>(1, width));
}

typedef std::function<void(int64_t begin, int64_t end)> LoopBody;
typedef std::function<void(int64_t total, int64_t minRange, const LoopBody& body)> Loop;

/**
 * Calls body(image, loop) for each image of `elements` elements: where there are enough images, each thread works on its own
 * ones, whose loops are plain, else all threads share the loops of one image after the other.
 */
template <typename Body>
void forEachImage(int64_t images, int64_t elements, Body body) {
  ThreadPool& pool = threadPool();
  if (images < 2 * pool.size()) {
    const Loop shared = [&](int64_t total, int64_t minRange, const LoopBody& each) {
      pool.parallelFor(total, minRange, each);
    };
    for (int64_t n = 0; n < images; n++) body(n, shared);
    return;
  }
  const Loop plain = [](int64_t total, int64_t, const LoopBody& each) { each(0, total); };
  pool.parallelFor(images, minRowsPerThread(elements), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; n++) body(n, plain);
  });
}

}  // namespace
