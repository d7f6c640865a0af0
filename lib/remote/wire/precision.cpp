#include <remote/wire/precision.h>

#include <algorithm>

#include <remote/wire/taped_ops.h>

namespace remote::wire {
namespace {

constexpr std::string_view kRecurrences[] = {"rnn", "lstm", "gru"};
constexpr std::string_view kMatrices[] = {"mm",        "mv",      "dot",        "matmul", "linear",   "linalg",
                                          "attention", "cdist",   "addr",       "ger",    "cholesky", "lu_",
                                          "matrix",    "inverse", "triangular", "orgqr",  "ormqr",    "lstsq"};

template <size_t kCount>
bool names_one_of(std::string_view op, const std::string_view (&parts)[kCount]) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return op.find(part) != op.npos; });
}

}  // namespace

Products products_of(std::string_view op) {
  // The backward pass of a taped op doesn't say of which.
  if (op.starts_with(kTapedNamespace) && op.ends_with("backward")) return {true, true, true, true};
  Products products;
  products.convolutions = op.find("conv") != op.npos;
  // "aten::_scaled_dot_product_flash_attention": the kernel has been chosen.
  products.attention = op.find("attention") != op.npos && op.find("::_scaled_dot_product") == op.npos;
  products.recurrences = names_one_of(op, kRecurrences);
  // The others may multiply matrices, too.
  products.matrices = products.convolutions || products.recurrences || names_one_of(op, kMatrices);
  return products;
}

}  // namespace remote::wire
