#include <remote/data/char_text.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <remote/data/utf8.h>
#include <remote/device/error.h>

namespace remote::data {
namespace {

std::string read_file(const std::string& path) {
  std::error_code ignored;
  const bool directory = std::filesystem::is_directory(path, ignored);
  std::ifstream file(path, std::ios::binary);
  if (directory || !file.is_open()) {
    throw_error(StatusCode::kNotFound,
                "the text file " + path + " can't be read: " + std::strerror(directory ? EISDIR : errno));
  }
  std::string text;
  char chunk[1 << 16];
  while (file.read(chunk, sizeof chunk), file.gcount() > 0) text.append(chunk, static_cast<size_t>(file.gcount()));
  if (file.bad()) throw_error(StatusCode::kDataLoss, "the text file " + path + " can't be read to its end");
  return text;
}

}  // namespace

CharTextDataset::CharTextDataset(const at::Tensor& codes, int64_t block_size, c10::Device device)
    : blocks_(codes.to(device).to(at::kLong).unfold(0, block_size + 1, 1)) {}

Batch CharTextDataset::gather(const std::vector<int64_t>& starts) const {
  at::Tensor blocks = blocks_.index_select(0, index_tensor(starts, blocks_.device()));
  return {blocks.narrow(1, 0, stride()), blocks.narrow(1, 1, stride())};
}

Splits split_text(std::string_view text, const std::string& name, const CharTextOptions& options, c10::Device device) {
  std::vector<uint32_t> characters = decode_utf8(text, name);
  std::vector<uint32_t> vocabulary = characters;
  std::sort(vocabulary.begin(), vocabulary.end());
  vocabulary.erase(std::unique(vocabulary.begin(), vocabulary.end()), vocabulary.end());

  auto total = static_cast<int64_t>(characters.size());
  auto train = static_cast<int64_t>(static_cast<double>(total) * (1 - options.val_fraction));
  if (std::min(train, total - train) <= options.block_size) {
    throw_error(StatusCode::kInvalidArgument,
                name + " is too short: its " + std::to_string(total) + " characters make " + std::to_string(train) +
                    " for training and " + std::to_string(total - train) +
                    " for validation, and both need more than the " + std::to_string(options.block_size) +
                    " of block_size. Give a longer text or a smaller block_size");
  }

  at::Tensor codes = at::empty({total}, at::TensorOptions(at::kInt).device(at::kCPU));
  std::transform(characters.begin(), characters.end(), codes.mutable_data_ptr<int32_t>(), [&](uint32_t character) {
    return static_cast<int32_t>(std::lower_bound(vocabulary.begin(), vocabulary.end(), character) - vocabulary.begin());
  });

  Splits splits;
  splits.train = std::make_shared<CharTextDataset>(codes.narrow(0, 0, train), options.block_size, device);
  splits.val = std::make_shared<CharTextDataset>(codes.narrow(0, train, total - train), options.block_size, device);
  splits.purpose = Purpose::kLanguageModelling;
  splits.num_classes = static_cast<int64_t>(vocabulary.size());
  for (uint32_t character : vocabulary) append_utf8(splits.metadata["vocabulary"], character);
  return splits;
}

Splits load(const CharTextOptions& options, c10::Device device) {
  return split_text(read_file(options.path), "the text file " + options.path, options, device);
}

}  // namespace remote::data
