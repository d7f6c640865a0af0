#include <remote/data/idx_images.h>

#include <ATen/ATen.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include <remote/data/idx.h>
#include <remote/device/error.h>

namespace remote::data {
namespace {

/// One split as its files have it, on the CPU.
struct RawSplit {
  at::Tensor images;
  at::Tensor labels;
};

RawSplit read_split(const IdxImagesOptions& options, const std::string& images_name, const std::string& labels_name) {
  const std::string images_path = std::filesystem::path(options.path) / images_name;
  const std::string labels_path = std::filesystem::path(options.path) / labels_name;
  RawSplit split{read_idx(images_path, 3), read_idx(labels_path, 1)};
  const at::Tensor &images = split.images, &labels = split.labels;
  if (images.size(0) != labels.size(0) || images.numel() == 0) {
    throw_error(StatusCode::kDataLoss, "expected an image for each label, found " + std::to_string(images.size(0)) +
                                           " images of " + std::to_string(images.size(1)) + "x" +
                                           std::to_string(images.size(2)) + " pixels in " + images_path + " and " +
                                           std::to_string(labels.size(0)) + " labels in " + labels_path);
  }
  const auto* values = labels.const_data_ptr<uint8_t>();
  if (int64_t largest = *std::max_element(values, values + labels.numel()); largest >= options.num_classes) {
    throw_error(StatusCode::kOutOfRange, "the data file " + labels_path + " has the label " + std::to_string(largest) +
                                             ": expected 0 to " + std::to_string(options.num_classes - 1) +
                                             ", because num_classes is " + std::to_string(options.num_classes));
  }
  return split;
}

}  // namespace

ImageDataset::ImageDataset(const at::Tensor& images, const at::Tensor& labels, double mean, double std,
                           c10::Device device)
    : images_(images.unsqueeze(1).to(device)), labels_(labels.to(device).to(at::kLong)), mean_(mean), std_(std) {}

Batch ImageDataset::gather(const std::vector<int64_t>& examples) const {
  at::Tensor indices = index_tensor(examples, images_.device());
  // In torchvision's order, ToTensor and then Normalize, so that the bits are theirs.
  at::Tensor images = images_.index_select(0, indices).to(at::kFloat).div_(255).sub_(mean_).div_(std_);
  return {std::move(images), labels_.index_select(0, indices)};
}

Splits load(const IdxImagesOptions& options, c10::Device device) {
  // Most of a short run's start is spent on unpacking.
  auto test =
      std::async(std::launch::async, [&] { return read_split(options, options.test_images, options.test_labels); });
  auto upload = [&](const RawSplit& split) {
    return std::make_shared<ImageDataset>(split.images, split.labels, options.mean, options.std, device);
  };
  Splits splits;
  splits.train = upload(read_split(options, options.train_images, options.train_labels));
  splits.val = upload(test.get());
  splits.num_classes = options.num_classes;
  return splits;
}

}  // namespace remote::data
