// Attention that never holds its score matrix: it works on 32 queries at a time, with scores transposed to a panel [keys, 32]
// that the next product reads directly. Source: arXiv 1706.03762, equation 1; gradient arXiv 2205.14135, appendix B.2
#pragma once
#include <numeric>

#include "elementwise.h"
#include "op.h"
#include "panels.h"
#include "threadPool.h"

namespace {

/** q [N T, C], k and v [N S, C], with heads side by side in C. */
struct AttentionSizes {
  int64_t images, heads, queries, keys, width;
  float scale;

  int64_t channels() const { return heads * width; }
  int64_t padded() const { return ceilDiv(width, lanes) * lanes; }
};

/** Scores [keys, 32] of 32 queries -> e^(score - largest of the query), and one over each query's sum of these */
MULTIVERSION
void softmaxColumns(float* scores, int64_t keys, float* inverses) {
  float most[tileColumns], total[tileColumns] = {};
  std::copy_n(scores, tileColumns, most);
  for (int64_t key = 1; key < keys; key++) {
    const float* s = scores + key * tileColumns;
    SIMD for (int64_t i = 0; i < tileColumns; i++) most[i] = s[i] > most[i] ? s[i] : most[i];
  }
  for (int64_t key = 0; key < keys; key++) {
    float* s = scores + key * tileColumns;
    SIMD for (int64_t i = 0; i < tileColumns; i++) {
      const float e = fastExp(s[i] - most[i]);
      total[i] += e;
      s[i] = e;
    }
  }
  SIMD for (int64_t i = 0; i < tileColumns; i++) inverses[i] = 1.0f / total[i];
}

MULTIVERSION
float dot(const float* x, const float* y, int64_t length) {
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < length; i++) total += x[i] * y[i];
  return total;
}

/** Normalises p by the inverse sums; ds = p (dp - level) replaces dp */
MULTIVERSION
void gradientColumns(float* p, float* dp, const float* inverses, const float* levels, int64_t keys) {
  for (int64_t key = 0; key < keys; key++, p += tileColumns, dp += tileColumns)
    SIMD for (int64_t i = 0; i < tileColumns; i++) {
      p[i] *= inverses[i];
      dp[i] = p[i] * (dp[i] - levels[i]);
    }
}

/** Most floats for the partial gradients of one head's keys and values, which several threads sum separately. */
constexpr int64_t maxPartialGradients = 1 << 26;

/** Where the rows of one head of one image are. */
struct Head {
  const AttentionSizes& sizes;
  int64_t ofQueries, ofKeys;

  Head(const AttentionSizes& sizes, int64_t head) : sizes(sizes) {
    const int64_t image = head / sizes.heads, at = head % sizes.heads * sizes.width;
    ofQueries = image * sizes.queries * sizes.channels() + at;
    ofKeys = image * sizes.keys * sizes.channels() + at;
  }
  template <typename T>
  Rows<T> queries(T* x, int64_t row) const {
    return {x + ofQueries + row * sizes.channels(), sizes.channels()};
  }
  template <typename T>
  Rows<T> keys(T* x) const {
    return {x + ofKeys, sizes.channels()};
  }
  /** Transposes the keys' rows [keys, width] to [width, keys]. */
  void transposeKeys(const float* x, float* transposed) const {
    transpose(keys(x), sizes.keys, sizes.width, {transposed, sizes.keys});
  }
  /** Packs the transpose of `count` rows of queries, times the scale, into a panel [width, 32]. */
  void scalePanel(const float* q, int64_t row, int64_t count, float* panel) const {
    transposeToPanel(queries(q, row), count, sizes.width, panel);
    for (int64_t i = 0; i < sizes.width * tileColumns; i++) panel[i] *= sizes.scale;
  }
  /** Writes the transpose of a panel [width, 32], each row times its factor, to `count` rows of queries. */
  void writeQueries(const float* panel, int64_t row, int64_t count, const float* factors, float* y) const {
    const auto rows = queries(y, row);
    for (int64_t i = 0; i < count; i++)
      for (int64_t c = 0; c < sizes.width; c++) rows.data[i * rows.step + c] = factors[i] * panel[c * tileColumns + i];
  }
};

/** y = softmax(scale q k^T) v [N T, C] */
inline void attend(const AttentionSizes& sizes, const float* q, const float* k, const float* v, float* y) {
  const int64_t keys = sizes.keys, width = sizes.width, queries = sizes.queries;
  const int64_t all = sizes.images * sizes.heads, blocks = ceilDiv(queries, tileColumns);
  const int64_t pieces = std::min(blocks, ceilDiv(4 * threadPool().size(), std::max<int64_t>(1, all)));
  threadPool().parallelFor(all * pieces, 1, [&](int64_t begin, int64_t end) {
    static thread_local Workspace forValues, forQuery, forScores, forSums;
    float *values = forValues.reserve(keys * width), *query = forQuery.reserve(width * tileColumns);
    float *p = forScores.reserve(keys * tileColumns), *sums = forSums.reserve(width * tileColumns);
    float inverses[tileColumns];
    for (int64_t task = begin; task < end; task++) {
      const Head head(sizes, task / pieces);
      const int64_t piece = task % pieces;
      if (task == begin || piece == 0) head.transposeKeys(v, values);
      for (int64_t block = blocks * piece / pieces; block < blocks * (piece + 1) / pieces; block++) {
        const int64_t row = block * tileColumns, count = std::min(tileColumns, queries - row);
        head.scalePanel(q, row, count, query);
        multiplyPanel(head.keys(k), query, width, {nullptr, 0}, {p, tileColumns}, keys);
        softmaxColumns(p, keys, inverses);
        multiplyPanel({values, keys}, p, keys, {nullptr, 0}, {sums, tileColumns}, width);
        head.writeQueries(sums, row, count, inverses, y);
      }
    }
  });
}

/** dv = P^T dy,  dS = P (dy v^T - rowsum(dy y)),  dq = scale dS k,  dk = scale dS^T q, with P recomputed */
inline void attendGradient(const AttentionSizes& sizes, const float* q, const float* k, const float* v, const float* dy,
                           const float* y, float* dq, float* dk, float* dv) {
  const int64_t keys = sizes.keys, width = sizes.width, queries = sizes.queries;
  const int64_t all = sizes.images * sizes.heads, blocks = ceilDiv(queries, tileColumns);
  const int64_t padded = sizes.padded(), size = 2 * keys * padded;
  const int64_t even =
      threadPool().size() /
      std::gcd(threadPool().size(), std::max<int64_t>(1, all));  // divides the work evenly among threads
  const int64_t pieces = std::min({blocks, even, ceilDiv(maxPartialGradients, size)});
  std::vector<float> partial(all * pieces * size, 0.0f);  // dk and dv, from each piece of the queries
  threadPool().parallelFor(all * pieces, 1, [&](int64_t begin, int64_t end) {
    static thread_local Workspace forKeys, forQuery, forGradient, forScores, forScoreGradients, forSums, forPanel;
    float *transposedKeys = forKeys.reserve(keys * width), *query = forQuery.reserve(width * tileColumns);
    float *gradient = forGradient.reserve(width * tileColumns), *sums = forSums.reserve(width * tileColumns);
    float *p = forScores.reserve(keys * tileColumns), *ds = forScoreGradients.reserve(keys * tileColumns);
    float* panel = forPanel.reserve(tileColumns * tileColumns);
    float inverses[tileColumns], levels[tileColumns], scales[tileColumns];
    std::fill(scales, scales + tileColumns, sizes.scale);
    for (int64_t task = begin; task < end; task++) {
      const Head head(sizes, task / pieces);
      const int64_t piece = task % pieces;
      float *ofKeys = partial.data() + task * size, *ofValues = ofKeys + keys * padded;
      if (task == begin || piece == 0) head.transposeKeys(k, transposedKeys);
      for (int64_t block = blocks * piece / pieces; block < blocks * (piece + 1) / pieces; block++) {
        const int64_t row = block * tileColumns, count = std::min(tileColumns, queries - row);
        const auto gradientRows = head.queries(dy, row), queryRows = head.queries(q, row),
                   results = head.queries(y, row);
        head.scalePanel(q, row, count, query);
        transposeToPanel(gradientRows, count, width, gradient);
        for (int64_t i = 0; i < tileColumns; i++)
          levels[i] =
              i < count ? dot(gradientRows.data + i * gradientRows.step, results.data + i * results.step, width) : 0;
        multiplyPanel(head.keys(k), query, width, {nullptr, 0}, {p, tileColumns}, keys);
        softmaxColumns(p, keys, inverses);
        multiplyPanel(head.keys(v), gradient, width, {nullptr, 0}, {ds, tileColumns}, keys);
        gradientColumns(p, ds, inverses, levels, keys);
        multiplyPanel({transposedKeys, keys}, ds, keys, {nullptr, 0}, {sums, tileColumns}, width);
        head.writeQueries(sums, row, count, scales, dq);
        const auto add = [&](const float* factors, Rows<const float> rows, float* total) {
          for (int64_t column = 0; column < width; column += tileColumns) {
            const int64_t columns = std::min(tileColumns, width - column);
            copyPanel({rows.data + column, rows.step}, count, columns, panel);
            const Rows<float> to{total + column, padded};
            multiplyPanel({factors, tileColumns}, panel, count, {to.data, to.step}, to, keys, columns <= lanes);
          }
        };
        add(ds, queryRows, ofKeys);
        add(p, gradientRows, ofValues);
      }
    }
  });
  threadPool().parallelFor(all, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const Head head(sizes, i);
      for (int64_t piece = 1; piece < pieces; piece++)
        for (int64_t j = 0; j < size; j++) partial[i * pieces * size + j] += partial[(i * pieces + piece) * size + j];
      const float *ofKeys = partial.data() + i * pieces * size, *ofValues = ofKeys + keys * padded;
      const auto keyRows = head.keys(dk), valueRows = head.keys(dv);
      for (int64_t key = 0; key < keys; key++)
        for (int64_t c = 0; c < width; c++) {
          keyRows.data[key * keyRows.step + c] = sizes.scale * ofKeys[key * padded + c];
          valueRows.data[key * valueRows.step + c] = ofValues[key * padded + c];
        }
    }
  });
}

struct AttentionAttributes {
  static constexpr std::initializer_list<const char*> specs{"batch: int", "heads: int", "scale: float"};
  const int64_t batch, heads;
  const float scale;
  explicit AttentionAttributes(AttributeReader& reader)
      : batch(reader.readInt("batch")), heads(reader.readInt("heads")), scale(reader.readFloat("scale")) {}

  AttentionSizes sizes(Call& call) const {
    const int64_t channels = call.shape(0).back(), perRow = std::max<int64_t>(1, batch * channels);
    const int64_t queries = countElements(call.shape(0)) / perRow, keys = countElements(call.shape(1)) / perRow;
    return {batch, heads, queries, keys, channels / heads, scale};
  }
};

/** q [N T, C], k, v [N S, C] -> softmax(scale q k^T) v for each image and head [N T, C] */
inline void attention(const AttentionAttributes& attributes, Call& call) {
  const float *q = call.input(0), *k = call.input(1), *v = call.input(2);
  attend(attributes.sizes(call), q, k, v, call.output(0, call.shape(0)));
}

/** q, k, v, dy, y -> dq, dk, dv */
inline void attentionGradient(const AttentionAttributes& attributes, Call& call) {
  const float *q = call.input(0), *k = call.input(1), *v = call.input(2), *dy = call.input(3), *y = call.input(4);
  float *dq = call.output(0, call.shape(0)), *dk = call.output(1, call.shape(1)), *dv = call.output(2, call.shape(2));
  attendGradient(attributes.sizes(call), q, k, v, dy, y, dq, dk, dv);
}

}  // namespace
