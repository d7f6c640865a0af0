#pragma once
#include <remote/data/dataset.h>
#include <remote/data/options.h>

#include <string_view>

namespace remote::data {

/// Windows over a text on the device. Example i is the block that begins at character i: the input is int64
/// [B, block_size], the target the same, one character further on.
class CharTextDataset final : public Dataset {
 public:
  /// `codes` is int32 [N] on the CPU with N > block_size; it is uploaded.
  CharTextDataset(const at::Tensor& codes, int64_t block_size, c10::Device device);

  int64_t size() const override { return blocks_.size(0); }
  int64_t stride() const override { return blocks_.size(1) - 1; }
  Batch gather(const std::vector<int64_t>& starts) const override;

 private:
  at::Tensor blocks_;  // int64 [N - block_size, block_size + 1]: a view of [N]
};

/// Reads a text file and uploads it as two splits. The vocabulary is the text's characters, sorted by code point; a
/// token is an index into it. Throws remote::Error for a file that is missing, no UTF-8, or too short for one block per
/// split.
Splits load(const CharTextOptions& options, c10::Device device);

/// The same for a text at hand; `name` is for messages.
Splits split_text(std::string_view text, const std::string& name, const CharTextOptions& options, c10::Device device);

}  // namespace remote::data
