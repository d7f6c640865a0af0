#pragma once
#include <ostream>
#include <random>
#include <vector>

#include <torch/types.h>

namespace remote::test {

/// Small random numbers that are the same with every standard library.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  /// 0 to n - 1.
  int64_t below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }
  bool one_in(int64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

/// How a tensor lies in a storage.
struct Layout {
  torch::ScalarType dtype = torch::kFloat;
  int64_t storage_elements = 0;
  std::vector<int64_t> sizes, strides;
  int64_t offset = 0;
  bool conj = false, neg = false;

  /// The tensor with this layout in a storage, given as a one-dimensional tensor.
  torch::Tensor in(const torch::Tensor& storage) const;
};

std::ostream& operator<<(std::ostream& out, const Layout& layout);

/// What a layout is drawn for: a source may have several elements in one place.
enum class Use { kSource, kDestination };

std::vector<int64_t> draw_sizes(Dice& dice);

/// Row-major, permuted, channels-last, with gaps, expanded; far into its storage or at its begin; conj and neg bits
/// where the dtype has them.
Layout draw_layout(Dice& dice, torch::ScalarType dtype, const std::vector<int64_t>& sizes, Use use);

/// A storage on the CPU, full of bytes among which are zeros of both signs, infinities and NaNs with all kinds of
/// payloads.
torch::Tensor draw_storage(Dice& dice, torch::ScalarType dtype, int64_t elements);

/// The elements of a tensor on whatever device, in row-major order, conj and neg bits resolved.
std::string bytes_of(const torch::Tensor& tensor);

}  // namespace remote::test
