#include <remote/wire/tensor_ref.h>

#include <remote/wire/limits.h>

namespace remote::wire {
namespace {

enum : uint8_t { kContiguous = 1, kHasOffset = 2, kFresh = 4, kConj = 8, kNeg = 16, kAllFlags = 31 };

void write_dims(ByteWriter& out, c10::ArrayRef<int64_t> sizes, c10::ArrayRef<int64_t> strides, bool contiguous) {
  out.u8(static_cast<uint8_t>(sizes.size()));
  for (int64_t size : sizes) out.varint(static_cast<uint64_t>(size));
  if (contiguous) return;
  for (int64_t stride : strides) out.svarint(stride);
}

void contiguous_strides(c10::ArrayRef<int64_t> sizes, Dims& strides) {
  strides.resize(sizes.size());
  int64_t stride = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    // Sizes come from the wire: a product that overflows is caught by view_extent_bytes, and must not be undefined
    // here.
    if (sizes[i] > 1 && __builtin_mul_overflow(stride, sizes[i], &stride)) stride = 0;
  }
}

bool read_dims(ByteReader& in, Dims& sizes, Dims& strides, bool contiguous) {
  const uint8_t rank = in.u8();
  if (rank > kMaxRank) return false;
  for (uint8_t i = 0; i < rank; ++i) {
    const uint64_t size = in.varint();
    if (size > kMaxStorageBytes) return false;
    sizes.push_back(static_cast<int64_t>(size));
  }
  if (contiguous) {
    contiguous_strides(sizes, strides);
  } else {
    for (uint8_t i = 0; i < rank; ++i) strides.push_back(in.svarint());
  }
  return in.ok();
}

bool read_dtype(ByteReader& in, c10::ScalarType& dtype) {
  const uint8_t value = in.u8();
  if (value >= static_cast<uint8_t>(c10::ScalarType::NumOptions)) return false;
  dtype = static_cast<c10::ScalarType>(value);
  return is_dense_dtype(dtype);
}

}  // namespace

bool is_dense_dtype(c10::ScalarType dtype) {
  return dtype != c10::ScalarType::Undefined && !c10::isQIntType(dtype);
}

bool is_contiguous(c10::ArrayRef<int64_t> sizes, c10::ArrayRef<int64_t> strides) {
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (strides[i] != expected) return false;
    // A reader calls this on sizes that nobody has checked.
    if (sizes[i] > 1 && __builtin_mul_overflow(expected, sizes[i], &expected)) return false;
  }
  return true;
}

bool view_extent_bytes(c10::ArrayRef<int64_t> sizes, c10::ArrayRef<int64_t> strides, int64_t offset, uint64_t itemsize,
                       uint64_t* bytes) {
  if (offset < 0 || sizes.size() != strides.size()) return false;
  uint64_t last = static_cast<uint64_t>(offset);
  bool empty = false;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 0 || strides[i] < 0) return false;
    if (sizes[i] == 0) {
      empty = true;
      continue;
    }
    uint64_t reach = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(sizes[i] - 1), static_cast<uint64_t>(strides[i]), &reach))
      return false;
    if (__builtin_add_overflow(last, reach, &last)) return false;
  }
  if (empty) return *bytes = 0, true;
  if (__builtin_add_overflow(last, uint64_t{1}, &last)) return false;
  return !__builtin_mul_overflow(last, itemsize, bytes);
}

std::optional<uint64_t> view_elements(c10::ArrayRef<int64_t> sizes) {
  uint64_t elements = 1;
  for (int64_t size : sizes) {
    if (size < 0) return std::nullopt;
    if (size == 0) return 0;
  }
  for (int64_t size : sizes) {
    if (__builtin_mul_overflow(elements, static_cast<uint64_t>(size), &elements) || elements > kMaxViewElements) {
      return std::nullopt;
    }
  }
  return elements;
}

void write_tensor_ref(ByteWriter& out, const TensorRef& ref) {
  const bool contiguous = is_contiguous(ref.sizes, ref.strides);
  uint8_t flags = 0;
  if (contiguous) flags |= kContiguous;
  if (ref.offset != 0) flags |= kHasOffset;
  if (ref.fresh) flags |= kFresh;
  if (ref.conj) flags |= kConj;
  if (ref.neg) flags |= kNeg;
  out.u8(flags);
  out.u8(static_cast<uint8_t>(ref.dtype));
  out.u64(ref.storage);
  if (ref.fresh) out.varint(ref.fresh_bytes);
  if (ref.offset != 0) out.varint(static_cast<uint64_t>(ref.offset));
  write_dims(out, ref.sizes, ref.strides, contiguous);
}

TensorRef read_tensor_ref(ByteReader& in) {
  TensorRef ref;
  const uint8_t flags = in.u8();
  if ((flags & ~kAllFlags) != 0 || !read_dtype(in, ref.dtype)) return in.fail(), ref;
  ref.storage = in.u64();
  if (ref.storage == 0) in.fail();
  ref.conj = (flags & kConj) != 0;
  ref.neg = (flags & kNeg) != 0;
  ref.fresh = (flags & kFresh) != 0;
  if (ref.fresh) ref.fresh_bytes = in.varint();
  if (ref.fresh_bytes > kMaxStorageBytes) in.fail();
  if ((flags & kHasOffset) != 0) {
    const uint64_t offset = in.varint();
    if (offset > kMaxStorageBytes) in.fail();
    ref.offset = static_cast<int64_t>(offset);
  }
  if (!read_dims(in, ref.sizes, ref.strides, (flags & kContiguous) != 0)) in.fail();
  return ref;
}

void write_output_declaration(ByteWriter& out, const OutputDeclaration& output) {
  out.u8(static_cast<uint8_t>(output.kind));
  if (output.kind == OutputDeclaration::Kind::kUndefined) return;
  out.u64(output.storage);
  if (output.kind == OutputDeclaration::Kind::kOpaque) return;
  const bool contiguous = is_contiguous(output.sizes, output.strides);
  out.u8(contiguous ? kContiguous : 0);
  out.u8(static_cast<uint8_t>(output.dtype));
  write_dims(out, output.sizes, output.strides, contiguous);
}

OutputDeclaration read_output_declaration(ByteReader& in) {
  OutputDeclaration output;
  const uint8_t kind = in.u8();
  if (kind > static_cast<uint8_t>(OutputDeclaration::Kind::kOpaque)) return in.fail(), output;
  output.kind = static_cast<OutputDeclaration::Kind>(kind);
  if (output.kind == OutputDeclaration::Kind::kUndefined) return output;
  output.storage = in.u64();
  if (output.storage == 0) in.fail();
  if (output.kind == OutputDeclaration::Kind::kOpaque) return output;
  const uint8_t flags = in.u8();
  if ((flags & ~kContiguous) != 0 || !read_dtype(in, output.dtype) ||
      !read_dims(in, output.sizes, output.strides, (flags & kContiguous) != 0)) {
    in.fail();
  }
  return output;
}

}  // namespace remote::wire
