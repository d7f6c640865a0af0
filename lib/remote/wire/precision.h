#pragma once
#include <ATen/Context.h>

#include <array>
#include <string_view>

#include <remote/wire/record.h>

namespace remote::wire {

/// The kinds of products that an op may compute, each with a float32 precision of its own in LibTorch (at::Float32Op).
/// Those settings are recorded, and hold, for the ops that need them alone.
struct Products {
  bool convolutions = false, recurrences = false, matrices = false;
  bool attention = false;  ///< by a kernel that the op chooses as it runs
  explicit operator bool() const { return convolutions || recurrences || matrices; }
};

/// What an op ("aten::mm") may compute, told by its name.
Products products_of(std::string_view op);

/// What one library's kernels may round one kind of product to.
struct FloatPrecision {
  SettingKey key;
  const char* name;
  at::Float32Backend backend;
  at::Float32Op op;
  bool Products::*product;
};

inline constexpr std::array<FloatPrecision, 6> kFloatPrecisions = {{
    {SettingKey::kMkldnnConvolutionPrecision, "the float32 precision of mkldnn's convolutions",
     at::Float32Backend::MKLDNN, at::Float32Op::CONV, &Products::convolutions},
    {SettingKey::kMkldnnRecurrencePrecision, "the float32 precision of mkldnn's recurrent layers",
     at::Float32Backend::MKLDNN, at::Float32Op::RNN, &Products::recurrences},
    {SettingKey::kMkldnnMatrixPrecision, "the float32 precision of mkldnn's matrix products",
     at::Float32Backend::MKLDNN, at::Float32Op::MATMUL, &Products::matrices},
    {SettingKey::kCudaConvolutionPrecision, "the float32 precision of CUDA's convolutions", at::Float32Backend::CUDA,
     at::Float32Op::CONV, &Products::convolutions},
    {SettingKey::kCudaRecurrencePrecision, "the float32 precision of CUDA's recurrent layers", at::Float32Backend::CUDA,
     at::Float32Op::RNN, &Products::recurrences},
    {SettingKey::kCudaMatrixPrecision, "the float32 precision of CUDA's matrix products", at::Float32Backend::CUDA,
     at::Float32Op::MATMUL, &Products::matrices},
}};

}  // namespace remote::wire
