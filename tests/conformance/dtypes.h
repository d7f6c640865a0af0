#pragma once
#include <torch/types.h>

namespace remote::test {

/// Every dtype of which LibTorch computes with dense tensors on the CPU.
inline constexpr torch::ScalarType kAllDtypes[] = {
    torch::kBool,         torch::kByte,           torch::kUInt16,           torch::kUInt32,         torch::kUInt64,
    torch::kChar,         torch::kShort,          torch::kInt,              torch::kLong,           torch::kHalf,
    torch::kBFloat16,     torch::kFloat8_e5m2,    torch::kFloat8_e4m3fn,    torch::kFloat8_e5m2fnuz,
    torch::kFloat8_e4m3fnuz, torch::kFloat8_e8m0fnu, torch::kFloat,         torch::kDouble,
    torch::kComplexHalf,  torch::kComplexFloat,   torch::kComplexDouble};

/// Dtypes that LibTorch's CPU only copies and looks at.
inline constexpr torch::ScalarType kCarriedDtypes[] = {torch::kFloat4_e2m1fn_x2, torch::kBits1x8, torch::kBits2x4,
                                                       torch::kBits4x2,          torch::kBits8,   torch::kBits16};

}  // namespace remote::test
