// Vectors, and how loops are compiled for several kinds of processor.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

// Compiles a function once per instruction set; the loader picks the best version for this processor.
#if defined(__x86_64__) && defined(__linux__)
#define MULTIVERSION __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MULTIVERSION
#endif
#define INLINE inline __attribute__((always_inline))
#define SIMD _Pragma("omp simd")

namespace {

/** One cache line, and the longest vector. The compiler splits it where a processor's vectors are shorter. */
typedef float Vector16 __attribute__((vector_size(64)));
constexpr int64_t lanes = 16;

/**
 * The same at any address. LOAD and STORE are macros because not every compiler can pass such vectors to functions on
 * processors without them.
 */
typedef float Unaligned16 __attribute__((vector_size(64), aligned(4), may_alias));
#define LOAD(x) (*reinterpret_cast<const Unaligned16*>(x))
#define STORE(x, y) (*reinterpret_cast<Unaligned16*>(x) = (y))

/** Picks sixteen elements of two vectors by index; those of the second start at 16. */
#if defined(__clang__)
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
typedef int32_t Indices16 __attribute__((vector_size(64)));
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, Indices16{__VA_ARGS__})
#endif

/** n / d, rounded up. */
INLINE int64_t ceilDiv(int64_t n, int64_t d) { return (n + d - 1) / d; }

}  // namespace
