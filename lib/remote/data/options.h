#pragma once
#include <cstdint>
#include <string>

namespace remote::data {

/// Grey images and their labels in IDX files, plain or gzipped: MNIST and all that took over its format. The defaults
/// are Debian's dataset-fashion-mnist.
struct IdxImagesOptions {
  /// The folder that has the four files.
  std::string path = "/usr/share/datasets/fashion-mnist";
  std::string train_images = "train-images-idx3-ubyte.gz";
  std::string train_labels = "train-labels-idx1-ubyte.gz";
  std::string test_images = "t10k-images-idx3-ubyte.gz";
  std::string test_labels = "t10k-labels-idx1-ubyte.gz";
  /// A pixel x of 0 to 255 becomes (x / 255 - mean) / std.
  double mean = 0.2860;
  double std = 0.3530;
  /// A label outside 0 to num_classes - 1 is an error.
  int64_t num_classes = 10;
};

/// A text of which each character is a token, for language modelling.
struct CharTextOptions {
  /// Any UTF-8 file.
  std::string path = "/usr/share/common-licenses/GPL-3";
  /// How many characters one example has; its targets are the same, one further on.
  int64_t block_size = 64;
  /// The part of the text, at its end, that is for validation.
  double val_fraction = 0.1;
};

/// How examples become batches.
struct BatchOptions {
  int64_t batch_size = 128;
  /// 0: as batch_size.
  int64_t val_batch_size = 0;
  /// Off: in the order of the file. Text is always drawn at random while this is on, see BatchSampler::Order.
  bool shuffle = true;
  /// Leaves out an epoch's last batch when it is incomplete.
  bool drop_last = false;
};

}  // namespace remote::data
