// A step of AdamW and of the moving average. Source: arXiv 1711.05101, algorithm 2
#pragma once
#include <cmath>

#include "op.h"
#include "threadPool.h"

namespace {

/** What a step multiplies by, in the order of the op's last input. */
struct AdamWFactors {
  float rate, root, keep, beta1, beta2, epsilon, clipNorm, decay;
};

/** One parameter tensor, with where its part of both moments and of the average begins. */
struct AdamWPart {
  const float *gradient, *parameters;
  float* next;
  int64_t begin, size;
};

/** Both moments and the average of all parameters, each before or after the step. */
template <typename T>
struct AdamWVectors {
  T *m, *v, *average;
};

MULTIVERSION
double sumSquares(const float* x, int64_t size) {
  double total = 0;
  for (int64_t start = 0; start < size; start += 4096) {
    const int64_t end = size < start + 4096 ? size : start + 4096;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = start; i < end; i++) sum += x[i] * x[i];
    total += sum;
  }
  return total;
}

/** m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  theta = keep theta - rate m / (root sqrt(v) + eps) */
MULTIVERSION
void adamWRange(const AdamWFactors& a, float clip, const AdamWPart& part, const AdamWVectors<const float>& from,
                const AdamWVectors<float>& to, int64_t first, int64_t last) {
  const float beta1 = a.beta1, beta2 = a.beta2, rate = a.rate, root = a.root, keep = a.keep, epsilon = a.epsilon;
  const float decay = a.decay, *gradient = part.gradient, *parameters = part.parameters;
  const float *m = from.m + part.begin, *v = from.v + part.begin, *average = from.average + part.begin;
  float *nextM = to.m + part.begin, *nextV = to.v + part.begin, *nextAverage = to.average + part.begin, *next = part.next;
  SIMD for (int64_t i = first; i < last; i++) {
    const float g = gradient[i] * clip;
    const float first = beta1 * m[i] + (1 - beta1) * g, second = beta2 * v[i] + (1 - beta2) * g * g;
    const float parameter = keep * parameters[i] - rate * first / (root * __builtin_sqrtf(second) + epsilon);
    nextM[i] = first;
    nextV[i] = second;
    next[i] = parameter;
    nextAverage[i] = decay * average[i] + (1 - decay) * parameter;
  }
}

/**
 * The gradients and the parameters, as many tensors each, m, v, average [P], factors [8] -> m, v, average and the parameters
 * after the step; see nodes/ml/train/adamW.ts
 */
inline void adamW(const ListAttributes&, Call& call) {
  const int count = (call.countInputs() - 4) / 2;
  const float* f = call.input(2 * count + 3);
  const AdamWFactors factors{f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]};
  const AdamWVectors<const float> from{call.input(2 * count), call.input(2 * count + 1), call.input(2 * count + 2)};
  const Shape whole = call.shape(2 * count);
  const AdamWVectors<float> to{call.output(0, whole), call.output(1, whole), call.output(2, whole)};
  std::vector<AdamWPart> parts(count);
  int64_t begin = 0;
  for (int i = 0; i < count; i++) {
    const Shape shape = call.shape(count + i);
    parts[i] = {call.input(i), call.input(count + i), call.output(3 + i, shape), begin, countElements(shape)};
    begin += parts[i].size;
  }
  std::vector<double> squares(count);
  threadPool().parallelFor(count, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; i++) squares[i] = sumSquares(parts[i].gradient, parts[i].size);
  });
  double total = 0;
  for (const double each : squares) total += each;
  const float clip = static_cast<float>(std::min(1.0, factors.clipNorm / (std::sqrt(total) + 1e-6)));
  threadPool().parallelFor(begin, minElementsPerThread, [&](int64_t first, int64_t last) {
    for (const AdamWPart& part : parts) {
      const int64_t own = std::max<int64_t>(0, first - part.begin), end = std::min(part.size, last - part.begin);
      if (own < end) adamWRange(factors, clip, part, from, to, own, end);
    }
  });
}

}  // namespace
