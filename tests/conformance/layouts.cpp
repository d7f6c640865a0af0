#include "layouts.h"

#include <algorithm>
#include <numeric>

namespace remote::test {
namespace {

/// The dimensions from the one whose elements lie farthest apart to the one whose elements lie nearest.
std::vector<int64_t> draw_order(Dice& dice, size_t dimensions) {
  std::vector<int64_t> order(dimensions);
  std::iota(order.begin(), order.end(), 0);
  if (dice.one_in(2)) return order;
  if (dimensions >= 4 && dice.one_in(2)) {
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());  // channels-last
    return order;
  }
  for (size_t i = dimensions; i > 1; --i) std::swap(order[i - 1], order[dice.below(static_cast<int64_t>(i))]);
  return order;
}

int64_t draw_offset(Dice& dice) {
  constexpr int64_t kFar = 1 << 16;
  if (dice.one_in(2)) return 0;
  return dice.one_in(8) ? kFar + dice.below(kFar) : dice.below(40);
}

/// Not for complex dtypes, whose NaNs LibTorch negates now by their sign, now by arithmetic.
bool has_neg(torch::ScalarType dtype) {
  return dtype == torch::kHalf || dtype == torch::kBFloat16 || dtype == torch::kFloat || dtype == torch::kDouble;
}

}  // namespace

torch::Tensor Layout::in(const torch::Tensor& storage) const {
  torch::Tensor view = storage.as_strided(sizes, strides, offset);
  if (conj) view = view.conj();
  if (neg) view = at::_neg_view(view);
  return view;
}

std::ostream& operator<<(std::ostream& out, const Layout& layout) {
  return out << layout.dtype << " sizes " << c10::IntArrayRef(layout.sizes) << " strides "
             << c10::IntArrayRef(layout.strides) << " offset " << layout.offset << " in " << layout.storage_elements
             << " elements" << (layout.conj ? " conj" : "") << (layout.neg ? " neg" : "");
}

std::vector<int64_t> draw_sizes(Dice& dice) {
  std::vector<int64_t> sizes(dice.below(6));
  for (auto& size : sizes) size = dice.one_in(16) ? 0 : 1 + dice.below(4);
  return sizes;
}

Layout draw_layout(Dice& dice, torch::ScalarType dtype, const std::vector<int64_t>& sizes, Use use) {
  Layout layout;
  layout.dtype = dtype;
  layout.sizes = sizes;
  layout.strides.resize(sizes.size());
  const auto order = draw_order(dice, sizes.size());
  int64_t stride = dice.one_in(3) ? 1 + dice.below(3) : 1, last = 0;
  for (auto dimension = order.rbegin(); dimension != order.rend(); ++dimension) {
    const int64_t size = sizes[*dimension];
    const bool expanded = use == Use::kSource && dice.one_in(8);
    layout.strides[*dimension] = expanded ? 0 : stride;
    if (expanded) continue;
    last += stride * std::max<int64_t>(size - 1, 0);
    stride *= std::max<int64_t>(size, 1);
    if (dice.one_in(6)) stride += dice.below(3);
  }
  layout.offset = draw_offset(dice);
  layout.storage_elements = layout.offset + last + 1 + dice.below(5);
  layout.conj = c10::isComplexType(dtype) && dice.one_in(3);
  layout.neg = has_neg(dtype) && dice.one_in(4);
  return layout;
}

torch::Tensor draw_storage(Dice& dice, torch::ScalarType dtype, int64_t elements) {
  // Two bytes at the end of a little-endian number: zeros of both signs, infinities, quiet and signalling NaNs of some
  // width.
  constexpr uint8_t kTop[] = {0x00, 0x80, 0x7f, 0xff, 0x7c, 0xfc, 0x7e},
                    kNext[] = {0x00, 0x80, 0x81, 0xc1, 0xf0, 0xf1, 0xf8, 0xff};
  torch::Tensor storage = torch::empty({elements}, dtype);
  auto* bytes = static_cast<uint8_t*>(storage.mutable_data_ptr());
  const size_t width = storage.itemsize() / (c10::isComplexType(dtype) ? 2 : 1);
  for (size_t at = 0; at < storage.nbytes(); at += width) {
    const bool special = dice.one_in(2), has_payload = !special || dice.one_in(2);
    for (size_t i = 0; i < width; ++i) bytes[at + i] = has_payload ? static_cast<uint8_t>(dice.below(256)) : 0;
    if (dtype == torch::kBool) bytes[at] &= 1;
    if (!special || dtype == torch::kBool) continue;
    bytes[at + width - 1] = kTop[dice.below(std::size(kTop))];
    if (width > 1) bytes[at + width - 2] = kNext[dice.below(std::size(kNext))];
  }
  return storage;
}

std::string bytes_of(const torch::Tensor& tensor) {
  const torch::Tensor plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous();
  if (plain.nbytes() == 0) return {};
  return {static_cast<const char*>(plain.const_data_ptr()), plain.nbytes()};
}

}  // namespace remote::test
