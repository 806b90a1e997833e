// Attention without its matrix of scores: 32 queries at a time, their scores turned, so that a score's row lies in a panel
// that the next product takes as it is. Source: arXiv 1706.03762, equation 1; gradient arXiv 2205.14135, appendix B.2
#pragma once
#include <numeric>

#include "functions.h"
#include "multiply.h"

namespace {

/** q [N T, C], k and v [N S, C], with heads side by side in C. */
struct Attention {
  int64_t images, heads, queries, keys, width;
  float scale;

  int64_t channels() const { return heads * width; }
  int64_t padded() const { return up(width, lanes) * lanes; }
};

/** Scores [keys, 32] of 32 queries -> e^(score - largest of the query), and one over each query's sum of these */
FOR_EACH_PROCESSOR
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
      const float e = exponential(s[i] - most[i]);
      total[i] += e;
      s[i] = e;
    }
  }
  SIMD for (int64_t i = 0; i < tileColumns; i++) inverses[i] = 1.0f / total[i];
}

FOR_EACH_PROCESSOR
float dot(const float* x, const float* y, int64_t length) {
  float total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < length; i++) total += x[i] * y[i];
  return total;
}

/** p times its inverse; ds = p (dp - level), in the place of dp */
FOR_EACH_PROCESSOR
void slopeColumns(float* p, float* dp, const float* inverses, const float* levels, int64_t keys) {
  for (int64_t key = 0; key < keys; key++, p += tileColumns, dp += tileColumns)
    SIMD for (int64_t i = 0; i < tileColumns; i++) {
      p[i] *= inverses[i];
      dp[i] = p[i] * (dp[i] - levels[i]);
    }
}

/** Numbers in the slopes of one head's keys and values, summed by several threads apart, that memory should hold. */
constexpr int64_t slopesAtOnce = 1 << 26;

/** Rows of one head, from `query` or `key` on. */
struct Head {
  const Attention& attention;
  int64_t ofQueries, ofKeys;

  Head(const Attention& attention, int64_t head) : attention(attention) {
    const int64_t image = head / attention.heads, at = head % attention.heads * attention.width;
    ofQueries = image * attention.queries * attention.channels() + at;
    ofKeys = image * attention.keys * attention.channels() + at;
  }
  template <typename T>
  Rows<T> queries(T* x, int64_t row) const {
    return {x + ofQueries + row * attention.channels(), attention.channels()};
  }
  template <typename T>
  Rows<T> keys(T* x) const {
    return {x + ofKeys, attention.channels()};
  }
  /** The keys' rows [keys, width] -> [width, keys] */
  void turnKeys(const float* x, float* turned) const {
    turn(keys(x), attention.keys, attention.width, {turned, attention.keys});
  }
  /** `count` rows of queries times the scale, turned -> a panel [width, 32] */
  void scalePanel(const float* q, int64_t row, int64_t count, float* panel) const {
    turnPanel(queries(q, row), count, attention.width, panel);
    for (int64_t i = 0; i < attention.width * tileColumns; i++) panel[i] *= attention.scale;
  }
  /** A panel [width, 32], turned and each row times its factor -> `count` rows of queries */
  void writeQueries(const float* panel, int64_t row, int64_t count, const float* factors, float* y) const {
    const auto rows = queries(y, row);
    for (int64_t i = 0; i < count; i++)
      for (int64_t c = 0; c < attention.width; c++)
        rows.data[i * rows.step + c] = factors[i] * panel[c * tileColumns + i];
  }
};

/** y = softmax(scale q k^T) v [N T, C] */
inline void attend(const Attention& attention, const float* q, const float* k, const float* v, float* y) {
  const int64_t keys = attention.keys, width = attention.width, queries = attention.queries;
  const int64_t all = attention.images * attention.heads, blocks = up(queries, tileColumns);
  const int64_t pieces = std::min(blocks, up(4 * threads().count(), std::max<int64_t>(1, all)));
  threads().loop(all * pieces, 1, [&](int64_t begin, int64_t end) {
    static thread_local Scratch forValues, forQuery, forScores, forSums;
    float *values = forValues.take(keys * width), *query = forQuery.take(width * tileColumns);
    float *p = forScores.take(keys * tileColumns), *sums = forSums.take(width * tileColumns);
    float inverses[tileColumns];
    for (int64_t task = begin; task < end; task++) {
      const Head head(attention, task / pieces);
      const int64_t piece = task % pieces;
      if (task == begin || piece == 0) head.turnKeys(v, values);
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

/** dv = P^T dy,  dS = P (dy v^T - rowsum(dy y)),  dq = scale dS k,  dk = scale dS^T q, with P computed again */
inline void attendGradient(const Attention& attention, const float* q, const float* k, const float* v, const float* dy,
                           const float* y, float* dq, float* dk, float* dv) {
  const int64_t keys = attention.keys, width = attention.width, queries = attention.queries;
  const int64_t all = attention.images * attention.heads, blocks = up(queries, tileColumns);
  const int64_t padded = attention.padded(), size = 2 * keys * padded;
  const int64_t even = threads().count() / std::gcd(threads().count(), std::max<int64_t>(1, all));  // for all threads alike
  const int64_t pieces = std::min({blocks, even, up(slopesAtOnce, size)});
  std::vector<float> slopes(all * pieces * size, 0.0f);  // of keys and of values, from each piece of the queries
  threads().loop(all * pieces, 1, [&](int64_t begin, int64_t end) {
    static thread_local Scratch forKeys, forQuery, forSlope, forScores, forSlopes, forSums, forPanel;
    float *turnedKeys = forKeys.take(keys * width), *query = forQuery.take(width * tileColumns);
    float *slope = forSlope.take(width * tileColumns), *sums = forSums.take(width * tileColumns);
    float *p = forScores.take(keys * tileColumns), *ds = forSlopes.take(keys * tileColumns);
    float* panel = forPanel.take(tileColumns * tileColumns);
    float inverses[tileColumns], levels[tileColumns], scales[tileColumns];
    std::fill(scales, scales + tileColumns, attention.scale);
    for (int64_t task = begin; task < end; task++) {
      const Head head(attention, task / pieces);
      const int64_t piece = task % pieces;
      float *ofKeys = slopes.data() + task * size, *ofValues = ofKeys + keys * padded;
      if (task == begin || piece == 0) head.turnKeys(k, turnedKeys);
      for (int64_t block = blocks * piece / pieces; block < blocks * (piece + 1) / pieces; block++) {
        const int64_t row = block * tileColumns, count = std::min(tileColumns, queries - row);
        const auto slopeRows = head.queries(dy, row), queryRows = head.queries(q, row), results = head.queries(y, row);
        head.scalePanel(q, row, count, query);
        turnPanel(slopeRows, count, width, slope);
        for (int64_t i = 0; i < tileColumns; i++)
          levels[i] = i < count ? dot(slopeRows.data + i * slopeRows.step, results.data + i * results.step, width) : 0;
        multiplyPanel(head.keys(k), query, width, {nullptr, 0}, {p, tileColumns}, keys);
        softmaxColumns(p, keys, inverses);
        multiplyPanel(head.keys(v), slope, width, {nullptr, 0}, {ds, tileColumns}, keys);
        slopeColumns(p, ds, inverses, levels, keys);
        multiplyPanel({turnedKeys, keys}, ds, keys, {nullptr, 0}, {sums, tileColumns}, width);
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
        add(p, slopeRows, ofValues);
      }
    }
  });
  threads().loop(all, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const Head head(attention, i);
      for (int64_t piece = 1; piece < pieces; piece++)
        for (int64_t j = 0; j < size; j++) slopes[i * pieces * size + j] += slopes[(i * pieces + piece) * size + j];
      const float *ofKeys = slopes.data() + i * pieces * size, *ofValues = ofKeys + keys * padded;
      const auto keyRows = head.keys(dk), valueRows = head.keys(dv);
      for (int64_t key = 0; key < keys; key++)
        for (int64_t c = 0; c < width; c++) {
          keyRows.data[key * keyRows.step + c] = attention.scale * ofKeys[key * padded + c];
          valueRows.data[key * valueRows.step + c] = ofValues[key * padded + c];
        }
    }
  });
}

}  // namespace
