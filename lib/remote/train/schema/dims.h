#pragma once
#include <torch/expanding_array.h>

#include <algorithm>

#include <remote/train/schema/field_visitor.h>

namespace remote::schema {

/// Dims as LibTorch's option classes take them. Only where they are given.
template <size_t D>
torch::ExpandingArray<D> expanded(const Dims& dims) {
  torch::ExpandingArray<D> array(0);
  std::copy_n(dims.values.begin(), D, array->begin());
  return array;
}

}  // namespace remote::schema
